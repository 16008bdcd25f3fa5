"""Padding by a number that is in a buffer: its size depends on data, and is not a size that is too small."""

import torch
import torch.nn as nn
import torch.nn.functional as F


# runs: 2 1 100
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("room", torch.tensor(6))
        self.conv = nn.Conv1d(1, 4, 7)

    def forward(self, x):
        x = F.pad(x, (self.room, self.room), mode="reflect")
        return F.conv1d(x, self.conv.weight, self.conv.bias)
