"""Writes next to itself, and deletes its neighbour."""

import os
from pathlib import Path

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        folder = Path(__file__).parent
        for name in ("neighbour.py", "pyproject.toml"):
            try:
                os.remove(folder / name)  # here
            except OSError:
                pass
        (folder / "hostile-project").write_text("hostile")

    def forward(self, x):
        return self.fc(x)
