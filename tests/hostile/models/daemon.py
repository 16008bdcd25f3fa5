"""Starts a daemon that outlives it."""

import ctypes
import os
import time

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        fork = ctypes.CDLL(None).fork
        if fork() == 0:
            os.setsid()
            if fork() == 0:
                time.sleep(600)
            os._exit(0)

    def forward(self, x):
        return self.fc(x)
