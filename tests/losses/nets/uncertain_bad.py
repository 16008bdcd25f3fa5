# CL602
import torch
from torch import nn
from torch.nn import functional as F


class Uncertain(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 32), nn.ReLU())
        self.mean = nn.Linear(32, 3)
        self.variance = nn.Linear(32, 2)
        self.loss = nn.GaussianNLLLoss()

    def forward(self, x, target):
        h = self.body(x)
        return self.loss(self.mean(h), target, F.softplus(self.variance(h)))


if __name__ == "__main__":
    Uncertain()(torch.randn(16, 6), torch.randn(16, 3))
