"""Writes to the home folder after Python's back."""

import ctypes
import os

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        c = ctypes.CDLL(None)
        os.close(max(0, c.creat(os.path.expanduser("~/hostile-c").encode(), 0o644)))

    def forward(self, x):
        return self.fc(x)
