"""Asks for 4 TB."""

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        self.table = bytearray(4 << 40)  # here

    def forward(self, x):
        return self.fc(x)
