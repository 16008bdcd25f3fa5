"""Writes to the home folder."""

import os

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        with open(os.path.expanduser("~/hostile-home"), "w") as file:  # here
            file.write("hostile")

    def forward(self, x):
        return self.fc(x)
