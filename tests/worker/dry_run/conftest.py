"""Scripts run dry by a real worker."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # so that test files find `programs`

from programs import DryRunOf

from convlint.facts import FileFacts
from convlint.jobs import Job, ScriptRun
from convlint.pool.pool import WorkerPool


@pytest.fixture(scope="session")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool() as pool:
        yield pool


@pytest.fixture
def dry_run(pool: WorkerPool, tmp_path: Path) -> DryRunOf:
    """What comes of `train.py`; other files by their names, with `_` for the dot."""

    def run(script: str, **files: str) -> FileFacts:
        path = tmp_path / "train.py"
        path.write_text(dedent(script))
        for name, text in files.items():
            (tmp_path / name.replace("_", ".", 1)).write_text(dedent(text))
        job = Job(
            path=str(path),
            filename="train.py",
            module="train",
            search_path=(str(tmp_path),),
            models=(),
            user_roots=(str(tmp_path),),
            script=ScriptRun(),
        )
        (facts,) = pool.run([job])
        assert not facts.failures, facts.failures
        return facts

    return run
