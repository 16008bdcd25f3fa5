"""What is made up proves nothing: sizes that nobody knows are symbols, and what is unknown is never an error."""

from __future__ import annotations

import pytest
from programs import DryRunOf, inputs_of, rows

HEAD = """\
import os
import random

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class Net(nn.Module):
    def __init__(self, features=12):
        super().__init__()
        self.fc = nn.Linear(features, 3)

    def forward(self, x):
        return self.fc(x)


"""


def test_a_random_length_is_a_symbol(dry_run: DryRunOf) -> None:
    script = """
generator = torch.Generator().manual_seed(0)
length = int(torch.randint(5, 500, (1,), generator=generator))
Net()(torch.randn(4, length, 12))
"""
    ((_, length, features),) = inputs_of(dry_run(HEAD + script), "Net")
    assert isinstance(length, str)
    assert features == 12


@pytest.mark.parametrize(
    "script",
    [
        'data = np.load("data.npy")\nNet(7)(torch.from_numpy(data))',
        "import not_there\nNet(not_there.features)(torch.randn(4, 7))",
        "try:\n    Net()(torch.randn(4, 7))\nexcept RuntimeError:\n    print('as expected')",
        "width = 7 if random.random() < 0.5 else 12\nif random.random() < 2:\n    Net(width)(torch.randn(4, width))",
        "model = Net()\nmodel.fc = nn.Linear(len(open('words.txt').read().split()), 3)\nmodel(torch.randn(4, 7))",
        "outputs = []\nfor t in range(500):\n    for _ in range(2):\n        outputs += [Net()(torch.randn(4, 12))]\n"
        "nn.Linear(3000, 2)(torch.cat(outputs, 1))",
        "if open('flag.txt').read() == 'wide':\n    x = torch.randn(4, 7)\nelse:\n    x = torch.randn(4, 12)\nNet()(x)",
    ],
    ids=["absent_array", "absent_package", "expected", "chance", "changed_in_vain", "cut_loop", "unknown_branch"],
)
def test_nothing_is_said_against_what_is_not_known(script: str, dry_run: DryRunOf) -> None:
    assert rows(dry_run(HEAD + script)) == []


def test_files_that_are_not_here_have_stubs(dry_run: DryRunOf) -> None:
    script = """
class Arrays(Dataset):
    def __init__(self, root):
        self.paths = [os.path.join(root, name) for name in sorted(os.listdir(root)) if name.endswith(".npy")]

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        np.load(self.paths[index])
        return torch.zeros(12), index


for x, _ in DataLoader(Arrays("data/train"), 8):
    Net()(x)
"""
    assert inputs_of(dry_run(HEAD + script), "Net") == [("B", 12)]


def test_the_last_batch_is_the_smaller_one(dry_run: DryRunOf) -> None:
    script = """
class Fixed(nn.Module):
    def __init__(self):
        super().__init__()
        self.start = nn.Parameter(torch.zeros(8, 12))
        self.fc = nn.Linear(12, 3)

    def forward(self, x):
        return self.fc(x + self.start)


for x in DataLoader(torch.randn(20, 12), 8, DROP):
    Fixed()(x)
"""
    found = {name for name, _ in rows(dry_run(HEAD + script.replace("DROP", "")))}
    assert found >= {"broadcast"}
    assert {name for name, _ in rows(dry_run(HEAD + script.replace("DROP", "drop_last=True")))} == {"fixed_batch"}
