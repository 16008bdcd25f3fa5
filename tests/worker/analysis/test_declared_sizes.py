"""A model that takes too long in symbols: what breaks on plain numbers at the sizes that the user has told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import nn

from convlint.inputspec import InputSpec
from convlint.worker.analysis.examine import examine_concretely
from convlint.worker.analysis.inference.evidence import Evidence
from convlint.worker.analysis.session import TraceSession
from convlint.worker.analysis.verdict.examination import Examination
from convlint.worker.build.skeleton import Sites, building, make_fake
from convlint.worker.torch_private.fake import FakeTensorMode, new_mode
from convlint.worker.torch_private.symbols import new_env
from convlint.worker.trace.input import declared

BATCH_HINT = 26
"""The batch of a first run: a width of the same number must not be taken for it."""


@contextmanager
def built(kind: type[nn.Module]) -> Iterator[tuple[nn.Module, FakeTensorMode, Sites]]:
    mode, sites = new_mode(new_env()), Sites()
    with building(mode, sites):
        model = kind()
    make_fake(model, mode)
    yield model, mode, sites


def looked_at(kind: type[nn.Module], *shapes: tuple[int | str, ...]) -> Examination:
    with built(kind) as (model, mode, sites):
        inputs = declared(model, tuple(InputSpec(shape=shape) for shape in shapes), "the test") if shapes else None
        return examine_concretely(TraceSession(model, mode, sites, lambda name: name == __file__), inputs)


class Wrong(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(16, BATCH_HINT)
        self.two = nn.Linear(31, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.two(self.one(x))
        return y


class Right(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(16, BATCH_HINT)
        self.two = nn.Linear(BATCH_HINT, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.two(self.one(x).view(-1, BATCH_HINT))
        return y


class OneBatch(nn.Module):
    """It runs with a batch of 31 alone, which may be meant."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(31, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.one(x.t())
        return y


class SixRows(nn.Module):
    """It runs with a batch of 6 alone, which torch's refusal does not tell."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(16, 8)
        self.register_buffer("index", torch.tensor([0, 1, 0, 2, 1, 1]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        index = self.get_buffer("index")
        return torch.zeros(3, 8).index_add(0, index, self.one(x))


class OneQuery(nn.Module):
    """It runs with a batch of 1 alone."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(16, 8)
        self.query = nn.Parameter(torch.zeros(1, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.query, self.one(x)], 1)


def short(examination: Examination) -> list[tuple[str, object, object]]:
    return [(one.violation.name, one.violation.expected, one.violation.actual) for one in examination.findings]


def test_a_mistake_is_found() -> None:
    examination = looked_at(Wrong, ("B", 16))
    assert short(examination) == [("in_features", 31, BATCH_HINT)]
    assert examination.guess is not None


@pytest.mark.parametrize("kind", [Right, OneBatch, SixRows, OneQuery])
def test_what_runs_at_some_batch_is_none(kind: type[nn.Module]) -> None:
    assert short(looked_at(kind, ("B", 16))) == []


@pytest.mark.parametrize("shapes", [(), (("B", "F"),), (("B", "L", 16),)])
def test_where_sizes_are_not_told_nothing_is_said(shapes: tuple[tuple[int | str, ...], ...]) -> None:
    assert short(looked_at(Wrong, *shapes)) == []


@pytest.mark.parametrize("kind", [Wrong, Right, OneBatch])
@pytest.mark.parametrize("is_certain", [False, True])
def test_certain_evidence_counts_like_what_is_told(kind: type[nn.Module], is_certain: bool) -> None:
    with built(kind) as (model, mode, sites):
        inputs = declared(model, (InputSpec(shape=("B", 16)),), "a call")
        found = [Evidence("a call", True, inputs, {}, is_certain=is_certain)]
        examination = examine_concretely(TraceSession(model, mode, sites, lambda name: name == __file__), None, found)
    assert bool(short(examination)) == (is_certain and kind is Wrong)
