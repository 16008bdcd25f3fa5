"""Long runs: many mutants of many nets, each judged by torch, in batches that are kept as they are done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.util import Finalize
from random import Random
from typing import Generic, TypeVar

import torch

from benchmarks.oracle.apart import apart
from benchmarks.oracle.child import Lost
from benchmarks.oracle.judge import Judgement, judge, truth_of
from benchmarks.oracle.linted import Linted, lint
from benchmarks.oracle.mutants import Mutant, sample
from benchmarks.oracle.net import Net
from benchmarks.oracle.processes import in_processes
from benchmarks.oracle.sources import LeftOut
from benchmarks.oracle.truth import Raised, Truth
from convlint.pool.pool import WorkerPool

T = TypeVar("T")
Batch = tuple[Judgement | LeftOut, ...]


@dataclass(frozen=True)
class Candidate:
    """A mutant as a net of its own."""

    net: Net
    mutant: Mutant


@dataclass(frozen=True)
class Campaign(Generic[T]):
    """What is done with each of many things that a net is made of, in as many processes as there are cores."""

    family: str
    each: int  # mutants of a net
    net_of: Callable[[T], Net | LeftOut]  # known by its name in its module: it goes to other processes
    is_apart: bool = True  # real torch runs each mutant in a process of its own

    def batches(self, things: Sequence[T], together: int = 1) -> Iterator[Batch]:
        """In the order of the things, so many of them in a batch."""
        groups = [things[start : start + together] for start in range(0, len(things), together)]
        # Each process takes all steps by itself, and so none waits for another one's step.
        yield from in_processes(self._batch, groups, _start)

    def _batch(self, things: Sequence[T]) -> Batch:
        nets = [self.net_of(thing) for thing in things]
        candidates = [one for net in nets if isinstance(net, Net) for one in mutated(net, self.each)]
        left_out = [net for net in nets if isinstance(net, LeftOut)]
        return (*left_out, *judged(candidates, _pools[-1], self.family, is_apart=self.is_apart))


_pools: list[WorkerPool] = []
"""The one of this process, in a process of a campaign."""


def _start() -> None:
    pool = WorkerPool()
    pool.start()
    _pools.append(pool)
    Finalize(pool, pool.close, exitpriority=1)


def mutated(net: Net, count: int) -> Iterator[Candidate]:
    """Some mutants of a net, the same each time."""
    for number, mutant in enumerate(sample(net.source, count, Random(net.name), net.classes)):
        yield Candidate(replace(net, name=f"{net.name}-{number}", source=mutant.source), mutant)


def judged(
    candidates: Sequence[Candidate], pool: WorkerPool, family: str, *, is_apart: bool = False
) -> Iterator[Judgement | LeftOut]:
    """Torch's word on each mutant, and convlint's with inputs given and without."""
    torch.set_num_threads(1)
    truths = {one.net.name: _truth(one.net, is_apart=is_apart) for one in candidates}
    yield from (told for told in truths.values() if isinstance(told, LeftOut))
    rest = [one for one in candidates if not isinstance(truths[one.net.name], LeftOut)]
    given, bare = (_by_name([one.net for one in rest], pool, bare=way) for way in (False, True))
    for one in rest:
        name, truth = one.net.name, truths[one.net.name]
        assert not isinstance(truth, LeftOut)
        work = partial(judge, name, family, one.mutant, truth, given[name], bare[name])
        told = apart(work) if is_apart else work()  # it tries what convlint offers
        yield LeftOut(name, told.reason) if isinstance(told, Lost) else told


def _truth(net: Net, *, is_apart: bool) -> Truth | LeftOut:
    """Torch's word, where it is one about shapes."""
    told = apart(partial(truth_of, net)) if is_apart else truth_of(net)
    if isinstance(told, Lost):
        return LeftOut(net.name, told.reason)
    if isinstance(told, Raised) and told.is_out_of_memory:
        return LeftOut(net.name, "takes too much memory")
    if isinstance(told, Raised) and not told.is_about_shapes:
        return LeftOut(net.name, f"raises {told.error}")
    return told


def _by_name(nets: Sequence[Net], pool: WorkerPool, *, bare: bool) -> dict[str, Linted]:
    return {linted.net.name: linted for linted in lint(nets, pool, bare=bare)}
