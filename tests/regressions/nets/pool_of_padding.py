"""A pool whose padding is more than half of its window: torch refuses it whatever comes in."""

import torch.nn as nn


# raises: 2 3 16 16
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.pool = nn.MaxPool2d(2, padding=2)

    def forward(self, x):
        return self.pool(self.conv(x))
