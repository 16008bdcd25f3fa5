"""Nets on which convlint and torch once disagreed. Torch's word stands in each: `# runs: 2 3 32 32`, or `# raises:`.

`# found without inputs`: the mistake is to be found where nobody says the input as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from benchmarks.oracle.laws import Claims, claims
from benchmarks.oracle.linted import lint
from benchmarks.oracle.net import Net
from benchmarks.oracle.processes import in_processes
from benchmarks.oracle.truth import Ran, Real
from convlint.inputspec import InputSpec
from convlint.pool.pool import WorkerPool
from convlint.worker.process.warmup import warm_up

FOLDER = Path(__file__).parent
FILES = sorted((FOLDER / "nets").glob("*.py"))
OF_SIZES = sorted((FOLDER / "sizes").glob("*.py"))
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
    assert bare.errors or "# found without inputs\n" not in net.source


def claims_of(path: Path) -> Claims:
    """What convlint says of a net at many sizes, held against torch."""
    net, runs = net_of(path)
    assert runs
    return claims(net, Random(net.name))


@pytest.fixture(scope="module")
def held() -> dict[str, Claims]:
    """In processes of their own: they are made ready for traces, which changes torch."""
    return {one.name: one for one in in_processes(claims_of, OF_SIZES, warm_up)}


@pytest.mark.parametrize("path", OF_SIZES, ids=lambda path: path.stem)
def test_the_sizes_that_work_are_those_that_torch_takes(path: Path, held: dict[str, Claims]) -> None:
    assert held[path.stem].broken == ()
    assert held[path.stem].held > 50
