"""A small part of the oracle's work, the same each time: `python -m benchmarks.oracle` does the whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.oracle.campaign import judged, mutated
from benchmarks.oracle.generate import generated
from benchmarks.oracle.judge import Judgement
from benchmarks.oracle.linted import lint
from benchmarks.oracle.truth import Ran, Real
from convlint.pool.parallel import default_parallel
from convlint.pool.pool import WorkerPool


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(parallel=default_parallel()) as pool:
        yield pool


@pytest.mark.parametrize("first", range(0, 300, 20))
def test_nothing_is_said_of_nets_that_run(first: int, pool: WorkerPool) -> None:
    nets = [generated(seed) for seed in range(first, first + 20)]
    assert all(isinstance(Real(net).run({"B": 2}), Ran) for net in nets)
    for bare in (False, True):
        said = {one.net.name: [error.message for error in one.errors] for one in lint(nets, pool, bare=bare)}
        assert said == {net.name: [] for net in nets}


@pytest.mark.parametrize("seed", range(5000, 5060))
def test_mutants_are_judged_as_torch_judges_them(seed: int, pool: WorkerPool) -> None:
    candidates = list(mutated(generated(seed), 5))
    told = judged(candidates, pool, "generated")
    for one in (one for one in told if isinstance(one, Judgement)):
        assert (one.name, one.given) == (one.name, "agrees"), one
        assert one.bare != "false alarm", one
