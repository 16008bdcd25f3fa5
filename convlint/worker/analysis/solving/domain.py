"""The input sizes that count, as a grid, and what becomes of each of them along a trail."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import sympy

from convlint.facts import LARGEST_SIZE
from convlint.worker.analysis.solving.classes import classes
from convlint.worker.analysis.solving.evaluate import Grid, UnknownFunction, evaluate
from convlint.worker.trace.trail import Assumption, Event, Key, Requirement, Stop, TraceStopped, UserError
from convlint.worker.trace.work import spend_on

EVERY: npt.NDArray[np.int64] = np.arange(2, LARGEST_SIZE + 1, dtype=np.int64)
_CHUNK = 1 << 21  # points evaluated at once, to bound memory
_SOME = 1 << 20
"""Points that are looked at where there are too many for all: they prove nothing by themselves."""

_FEW, _THIN = 1 << 12, 16
"""Grids of fewer points are cheap as they are; the part of a larger one below which its points are taken out of it."""

_LEAST, _AT_ONCE = 1 << 12, 1 << 15
"""What a condition costs that few points are asked for, in points, and how many are paid for together."""

ACCEPTED, UNCOVERED, STOPPED, REJECTED = 0, 1, 2, 3


@dataclass(frozen=True)
class Axis:
    """Symbols that take the same value, and the values they take."""

    symbols: tuple[sympy.Symbol, ...]
    values: npt.NDArray[np.int64]
    classes: npt.NDArray[np.intp] | None = None  # for each size from 2 on, the value that stands for it

    def sizes(self, hits: npt.NDArray[np.bool_]) -> list[int]:
        """All the sizes that the values at `hits` stand for."""
        if self.classes is None:
            return [int(size) for size in self.values[hits]]
        return [int(size) for size in EVERY[hits[self.classes]]]

    def index_of(self, size: int) -> int | None:
        """Where the value stands that stands for a size; None where it is none of the axis."""
        if self.classes is not None:
            return int(self.classes[size - EVERY[0]])
        hits = np.flatnonzero(self.values == size)
        return int(hits[0]) if len(hits) else None


@dataclass(frozen=True)
class Domain:
    """The product of some axes; `fixed` symbols have one value each."""

    axes: tuple[Axis, ...]
    fixed: Mapping[sympy.Symbol, int]
    is_whole: bool = True  # no size was left out

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(axis.values) for axis in self.axes)

    def point(self, index: Sequence[int]) -> dict[sympy.Symbol, int]:
        """The sizes at one index of the grid."""
        sizes = dict(self.fixed)
        for axis, i in zip(self.axes, index, strict=True):
            sizes.update(dict.fromkeys(axis.symbols, int(axis.values[i])))
        return sizes


def grouped(symbols: Sequence[sympy.Symbol], paths: Sequence[Sequence[Event]], full: int) -> Domain:
    """Every combination of sizes, with one size for all those that no event tells apart.

    `full` is the largest number of points; beyond it the later axes hold only a choice.
    """
    axes = [_axis(symbol, set(symbols), paths) for symbol in symbols]
    is_whole = math.prod(len(axis.values) for axis in axes) <= full
    return Domain(tuple(axes if is_whole else _chosen(axes, min(full, _SOME))), {}, is_whole)


def _chosen(axes: Sequence[Axis], most: int) -> Iterator[Axis]:
    """The first axes whole as far as so many points allow, and a choice of the later ones."""
    points = 1
    for axis in axes:
        size, room = len(axis.values), max(1, most // points)
        some = np.linspace(0, size - 1, room).astype(np.int64)
        yield axis if size <= room else Axis(axis.symbols, axis.values[some])
        points *= min(size, room)


def _axis(symbol: sympy.Symbol, symbols: set[sympy.Symbol], paths: Sequence[Sequence[Event]]) -> Axis:
    """One value for each class of sizes that the events tell apart."""
    conditions = [event.condition for path in paths for event in path if isinstance(event, Assumption | Requirement)]
    spend_on(EVERY.size * len(conditions))
    first, of_each = classes(symbol, symbols, conditions, EVERY)
    return Axis((symbol,), EVERY[first], of_each)


def fates(domain: Domain, events: Sequence[Event], forgiven: Collection[Key] = ()) -> npt.NDArray[np.uint8]:
    """What becomes of every point: ACCEPTED, UNCOVERED, HALTED or REJECTED. Forgiven needs reject nothing."""
    if not domain.axes:
        return np.asarray(_fates_of(events, domain.fixed, (), forgiven), dtype=np.uint8)
    return np.concatenate(
        [_fates_of(events, values, shape, forgiven) for values, shape in _chunks(domain)], axis=0
    )  # fmt: skip


def fates_at(
    domain: Domain,
    index: tuple[npt.NDArray[np.intp], ...],
    events: Sequence[Event],
    forgiven: Collection[Key] = (),
) -> npt.NDArray[np.uint8]:
    """The same for some points of the grid."""
    values: dict[sympy.Symbol, Grid] = dict(domain.fixed)
    for axis, i in zip(domain.axes, index, strict=True):
        values.update(dict.fromkeys(axis.symbols, axis.values[i]))
    return _fates_of(events, values, index[0].shape, forgiven)


def _chunks(domain: Domain) -> Iterator[tuple[dict[sympy.Symbol, Grid], tuple[int, ...]]]:
    """The grid in slabs along its first axis; one point where it has none."""
    if not domain.axes:
        yield dict(domain.fixed), ()
        return
    rest = int(np.prod(domain.shape[1:], dtype=np.int64))
    step = max(1, _CHUNK // max(1, rest))
    rank = len(domain.axes)
    for start in range(0, domain.shape[0], step):
        values: dict[sympy.Symbol, Grid] = dict(domain.fixed)
        shape = []
        for i, axis in enumerate(domain.axes):
            sizes = axis.values[start : start + step] if i == 0 else axis.values
            shape.append(len(sizes))
            column = sizes.reshape([-1 if j == i else 1 for j in range(rank)])
            values.update(dict.fromkeys(axis.symbols, column))
        yield values, tuple(shape)


def _fates_of(
    events: Sequence[Event],
    values: Mapping[sympy.Symbol, Grid],
    shape: tuple[int, ...],
    forgiven: Collection[Key],
) -> npt.NDArray[np.uint8]:
    fate = np.full(shape, ACCEPTED, dtype=np.uint8)
    for number, broken, mark in _breaks(events, values, shape, forgiven):
        fate = np.where((fate == ACCEPTED) & broken, np.uint8(mark), fate)
        event = events[number]
        if isinstance(event, Requirement) and event.taints:
            fate = np.where(fate == ACCEPTED, np.uint8(UNCOVERED), fate)
        left = fate == ACCEPTED
        if not left.any():
            break
        if _is_thin(left):
            rest = events[number + 1 :]
            fate[left] = _fates_of(rest, _at_points(values, left), (int(left.sum()),), forgiven)
            break
    return fate


def _is_thin(left: npt.NDArray[np.bool_]) -> bool:
    """Whether so few points are left that the rest is asked of these alone: a broken model is no slower than a
    right one."""
    return left.size > _FEW and int(left.sum()) * _THIN < left.size


def _at_points(values: Mapping[sympy.Symbol, Grid], left: npt.NDArray[np.bool_]) -> dict[sympy.Symbol, Grid]:
    return {
        symbol: np.broadcast_to(grid, left.shape)[left] if isinstance(grid, np.ndarray) else grid
        for symbol, grid in values.items()
    }


def none_left_at(domain: Domain, events: Sequence[Event], forgiven: Collection[Key] = ()) -> int | None:
    """The number of the first event after which no point is accepted any more."""
    last = 0
    for values, shape in _chunks(domain):
        end = _none_left_at(events, values, shape, forgiven)
        if end is None:
            return None
        last = max(last, end)
    return last


def _none_left_at(
    events: Sequence[Event],
    values: Mapping[sympy.Symbol, Grid],
    shape: tuple[int, ...],
    forgiven: Collection[Key],
) -> int | None:
    left = np.ones(shape, dtype=bool)
    for number, broken, _ in _breaks(events, values, shape, forgiven):
        left &= ~broken
        if not left.any():
            return number
        if _is_thin(left):
            rest = events[number + 1 :]
            end = _none_left_at(rest, _at_points(values, left), (int(left.sum()),), forgiven)
            return None if end is None else number + 1 + end
    return None


def _breaks(
    events: Sequence[Event],
    values: Mapping[sympy.Symbol, Grid],
    shape: tuple[int, ...],
    forgiven: Collection[Key],
) -> Iterator[tuple[int, npt.NDArray[np.bool_], int]]:
    """For each event its number, the points that it ends for, and what becomes of these."""
    memo: dict[sympy.Basic, Grid] = {}
    points = 0
    for number, event in enumerate(events):
        if isinstance(event, Requirement | Stop) and event.key in forgiven:
            if isinstance(event, Stop):
                return  # nothing is known after it
        elif isinstance(event, TraceStopped):
            yield number, np.ones(shape, dtype=bool), REJECTED if isinstance(event, UserError) else STOPPED
        else:
            points += max(math.prod(shape), _LEAST)
            if points >= _AT_ONCE:
                spend_on(points)
                points = 0
            mark = UNCOVERED if isinstance(event, Assumption) else REJECTED
            try:
                holds = np.asarray(evaluate(event.condition, values, memo), dtype=bool)
            except UnknownFunction:
                yield number, np.ones(shape, dtype=bool), STOPPED  # what has no value decides nothing
            else:
                yield number, ~np.broadcast_to(holds, shape), mark
