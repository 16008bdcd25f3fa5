# CL607
import torch
from torch import nn
from torch.nn import functional as F


class Detector(nn.Module):
    def __init__(self, classes=7):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(50, 80), nn.Tanh(), nn.Linear(80, classes))
        self.register_buffer("weight", torch.ones(classes - 1))

    def forward(self, x, label):
        return F.nll_loss(F.log_softmax(self.layers(x), dim=1), label, weight=self.weight)


if __name__ == "__main__":
    Detector()(torch.randn(12, 50), torch.randint(0, 6, (12,)))
