"""Replaces and removes modules."""

import sys
import types

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        for name in list(sys.modules):
            if name.startswith("convlint"):
                sys.modules[name] = types.ModuleType(name)
            elif not name.startswith(("torch", "replaces_modules")):
                del sys.modules[name]

    def forward(self, x):
        return self.fc(x)
