import torch
from torch import nn


class DepthNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU())
        self.up = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(16, 1, 3, padding=1))
        self.loss = nn.L1Loss()

    def forward(self, image, depth):
        return self.loss(self.up(self.down(image)), depth.unsqueeze(1))


if __name__ == "__main__":
    DepthNet()(torch.randn(4, 3, 64, 96), torch.rand(4, 64, 96))
