"""Connects to a port of this machine."""

import os
import socket

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        socket.create_connection(("127.0.0.1", int(os.environ["HOSTILE_PORT"])))  # here

    def forward(self, x):
        return self.fc(x)
