"""Leaves temporary files that are hard to remove."""

import os
import tempfile

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 3)
        folder = tempfile.mkdtemp(prefix="hostile-")
        for name in ("a", "b"):
            os.makedirs(os.path.join(folder, name, "deep"))
            open(os.path.join(folder, name, "deep", "hostile"), "w").close()
        os.symlink("/", os.path.join(folder, "a", "root"))
        os.chmod(os.path.join(folder, "b"), 0)
        os.chdir(folder)
        for _ in range(40):
            os.mkdir("x" * 200)
            os.chdir("x" * 200)
        os.chdir("/")

    def forward(self, x):
        return self.fc(x)
