"""Replaces builtins."""

import builtins

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        def broken(*_, **__):
            raise OSError("patched")


        for name in ("len", "isinstance", "getattr", "type", "memoryview", "super", "print", "open"):
            setattr(builtins, name, broken)

    def forward(self, x):
        return self.fc(x)
