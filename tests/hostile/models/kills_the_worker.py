"""Kills the process that started it."""

import os
import signal

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        os.kill(os.getppid(), signal.SIGKILL)  # here

    def forward(self, x):
        return self.fc(x)
