"""Starts 200 processes after Python's back."""

import ctypes
import os
import time

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        for _ in range(200):
            if ctypes.CDLL(None).fork() == 0:
                os.setsid()
                time.sleep(600)

    def forward(self, x):
        return self.fc(x)
