"""Kills its own process group."""

import os
import signal

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        os.killpg(0, signal.SIGKILL)

    def forward(self, x):
        return self.fc(x)
