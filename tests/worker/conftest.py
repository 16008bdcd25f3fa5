"""What the tests of the worker share: its helpers on the path, and a worker that is warm."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # so that test files find `tracing`

from tracing import Linter


@pytest.fixture(scope="session")
def warm() -> None:
    """The worker as it is when a file reaches it. It changes torch.nn.init for good, as in a worker process."""
    from convlint.worker.process.warmup import warm_up

    warm_up()


@pytest.fixture
def linter(warm: None, tmp_path: Path) -> Linter:
    return Linter(tmp_path)
