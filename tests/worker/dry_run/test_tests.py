"""Tests of the user's project are called with their fixtures and the first of their parameters."""

from __future__ import annotations

from pathlib import Path

from convlint.jobs import Job, ScriptRun
from convlint.pool.pool import WorkerPool

TEST = """\
import pytest
import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.fc = nn.Linear(features, 3)

    def forward(self, x):
        return self.fc(x)


@pytest.fixture
def x():
    return torch.randn(4, 12)


@pytest.mark.parametrize("features", [12, 24])
def test_shape(features, x):
    assert Net(12)(x).shape == (4, 3)


def test_refused(x):
    with pytest.raises(RuntimeError):
        Net(7)(x)
"""


def test_a_test_shows_what_it_feeds(pool: WorkerPool, tmp_path: Path) -> None:
    path = tmp_path / "test_net.py"
    path.write_text(TEST)
    job = Job(
        path=str(path),
        filename="test_net.py",
        module="test_net",
        search_path=(str(tmp_path),),
        models=(),
        user_roots=(str(tmp_path),),
        script=ScriptRun(),
    )
    (facts,) = pool.run([job])
    assert next([item.shape for item in model.inputs] for model in facts.models) == [("B", 12)]
    assert not [one for model in facts.models for node in model.nodes for one in node.violations]
