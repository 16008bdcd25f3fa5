import torch
from torch import nn
from torch.nn import functional as F


class Spam(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(40, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, x, is_spam):
        logits = self.layers(x)
        loss = F.binary_cross_entropy_with_logits(logits.view(-1), is_spam)
        correct = (torch.sigmoid(logits.view(-1)) > 0.5) == is_spam
        return loss, correct.float().mean()


if __name__ == "__main__":
    Spam()(torch.randn(32, 40), torch.randint(0, 2, (32,)).float())
