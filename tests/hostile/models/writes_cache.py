"""Writes to the cache folders."""

from pathlib import Path

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        for folder in (Path.home() / ".cache", Path.home() / ".cache" / "convlint", Path(__file__).parent):
            try:
                (folder / "hostile-cache").write_text("hostile")  # here
            except OSError:
                pass

    def forward(self, x):
        return self.fc(x)
