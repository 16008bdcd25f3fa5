"""Goes elsewhere, and forgets who it is."""

import os

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        os.chdir("/")
        os.environ.clear()

    def forward(self, x):
        return self.fc(x)
