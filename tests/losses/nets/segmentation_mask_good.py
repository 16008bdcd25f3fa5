import torch
from torch import nn


class Segmenter(nn.Module):
    def __init__(self, classes=12):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 24, 3, padding=1), nn.ReLU(), nn.Conv2d(24, 24, 3, padding=1), nn.ReLU())
        self.head = nn.Conv2d(24, classes, 1)
        self.loss = nn.CrossEntropyLoss(ignore_index=255)

    def forward(self, image, mask):
        return self.loss(self.head(self.body(image)), mask.squeeze(1))


if __name__ == "__main__":
    Segmenter()(torch.randn(4, 3, 48, 64), torch.randint(0, 12, (4, 1, 48, 64)))
