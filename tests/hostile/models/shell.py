"""Runs a command in a shell."""

import os

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        os.system("touch hostile-shell")  # here

    def forward(self, x):
        return self.fc(x)
