"""A size that torch reads off data: that it would refuse an empty one says nothing."""

import torch
import torch.nn as nn
import torch.nn.functional as F


# runs: 2 3 8 8
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        heights = (x[:, 0] == x[:, 0]).sum(1)[:, 0]
        x = self.conv(x)
        return torch.cat([F.interpolate(x[i : i + 1], size=(h, h)) for i, h in enumerate(heights)])
