"""Replaces what facts are written with."""

import json
import os
import struct

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        def broken(*_, **__):
            raise OSError("patched")


        os.write = os._exit = os.getpid = json.dumps = json.loads = struct.pack = broken

    def forward(self, x):
        return self.fc(x)
