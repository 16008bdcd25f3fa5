"""A pool takes [B, C, L] and [C, L] alike; the equation says which one is meant."""

import torch
import torch.nn as nn


# runs: 2 24
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool1 = nn.AvgPool1d(1, stride=3)

    def forward(self, x):
        x = self.pool1(x)
        return torch.einsum("bi,bj->bij", x, x)
