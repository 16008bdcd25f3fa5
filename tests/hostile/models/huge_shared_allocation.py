"""Asks for 4 TB of shared memory."""

import mmap

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        self.table = mmap.mmap(-1, 4 << 40)

    def forward(self, x):
        return self.fc(x)
