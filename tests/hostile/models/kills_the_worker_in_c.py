"""Kills the process that started it, after Python's back."""

import ctypes
import os
import signal

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        ctypes.CDLL(None).kill(os.getppid(), signal.SIGKILL)

    def forward(self, x):
        return self.fc(x)
