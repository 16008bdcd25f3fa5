"""Long runs: many mutants of many nets, each judged by torch, in batches that are kept as they are done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

import torch

from benchmarks.oracle.generate import generate
from benchmarks.oracle.judge import Judgement, judge, truth_of
from benchmarks.oracle.linted import Linted, lint
from benchmarks.oracle.mutants import Mutant, sample
from benchmarks.oracle.net import Net
from benchmarks.oracle.truth import Raised
from convlint.pool.pool import WorkerPool

BATCH = 25
"""Nets that are judged together."""


@dataclass(frozen=True)
class Candidate:
    """A mutant as a net of its own."""

    net: Net
    mutant: Mutant


def generated(seed: int) -> Net:
    return generate(Random(seed), f"net-{seed:06}")


def mutated(net: Net, count: int) -> Iterator[Candidate]:
    """Some mutants of a net, the same each time."""
    for number, mutant in enumerate(sample(net.source, count, Random(net.name))):
        yield Candidate(replace(net, name=f"{net.name}-{number}", source=mutant.source), mutant)


def judged(candidates: Sequence[Candidate], pool: WorkerPool, family: str) -> Iterator[Judgement]:
    """Torch's word on each mutant, and convlint's with inputs given and without."""
    torch.set_num_threads(1)
    truths = {one.net.name: truth_of(one.net) for one in candidates}
    about_shapes = [one for one in candidates if _is_about_shapes(truths[one.net.name])]
    nets = [one.net for one in about_shapes]
    given, bare = (_by_name(nets, pool, bare=way) for way in (False, True))
    for one in about_shapes:
        name = one.net.name
        yield judge(name, family, one.mutant, truths[name], given[name], bare[name])


def _by_name(nets: Sequence[Net], pool: WorkerPool, *, bare: bool) -> dict[str, Linted]:
    return {linted.net.name: linted for linted in lint(nets, pool, bare=bare)}


def _is_about_shapes(truth: object) -> bool:
    return not isinstance(truth, Raised) or truth.is_about_shapes
