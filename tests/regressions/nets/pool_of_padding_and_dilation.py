"""Half of the kernel is the most that a pool is padded with, however wide dilation makes its window."""

import torch.nn as nn


# raises: 2 3 16 16
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.pool = nn.MaxPool2d(3, padding=2, dilation=2)

    def forward(self, x):
        return self.pool(self.conv(x))
