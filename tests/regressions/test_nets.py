"""Nets on which convlint and torch once disagreed. Torch's word stands in each: `# runs: 2 3 32 32`, or `# raises:`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.oracle.linted import lint
from benchmarks.oracle.net import Net
from benchmarks.oracle.truth import Ran, Real
from convlint.inputspec import InputSpec
from convlint.pool.pool import WorkerPool

FILES = sorted((Path(__file__).parent / "nets").glob("*.py"))
_TRUTH = re.compile(r"^# (runs|raises): ([\d ]+)(int64)?$", re.MULTILINE)


def net_of(path: Path) -> tuple[Net, bool]:
    """The net, and whether it runs."""
    source = path.read_text(encoding="utf-8")
    found = _TRUTH.search(source)
    assert found is not None, f"{path}: no line says whether it runs"
    sizes = [int(size) for size in found[2].split()]
    spec = InputSpec(shape=("B", *sizes[1:]), dtype=found[3] or "float32", high=2 if found[3] else None)
    return Net(path.stem, source, (spec,)), found[1] == "runs"


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool() as pool:
        yield pool


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_convlint_agrees_with_torch(path: Path, pool: WorkerPool) -> None:
    net, runs = net_of(path)
    assert all(isinstance(Real(net).run({"B": batch}), Ran) for batch in (2, 3)) == runs
    (given,) = lint([net], pool, bare=False)
    (bare,) = lint([net], pool, bare=True)
    assert bool(given.errors) != runs
    assert not (bare.errors and runs)
