"""Connects to a port of this machine after Python's back."""

import ctypes
import os
import struct

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        c = ctypes.CDLL(None)
        address = struct.pack("=H", 2) + struct.pack(">H4B8x", int(os.environ["HOSTILE_PORT"]), 127, 0, 0, 1)
        c.connect(c.socket(2, 1, 0), address, len(address))

    def forward(self, x):
        return self.fc(x)
