"""Starts 200 processes."""

import os
import time

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        for _ in range(200):
            if os.fork() == 0:  # here
                time.sleep(600)

    def forward(self, x):
        return self.fc(x)
