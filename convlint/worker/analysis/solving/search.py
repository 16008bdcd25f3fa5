"""The paths through a model that are known so far, and the search for sizes along them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import sympy

from convlint.worker.analysis.session import Run, RunSpec
from convlint.worker.analysis.solving.constants import is_tainting
from convlint.worker.analysis.solving.domain import (
    ACCEPTED,
    EVERY,
    STOPPED,
    UNCOVERED,
    Axis,
    Domain,
    fates,
    fates_at,
    grouped,
)
from convlint.worker.trace.input import BATCH
from convlint.worker.trace.trail import Event, Key, Requirement, Stop, TraceStopped

MAX_TRACES = 24
MAX_NARROW = 5
"""Paths in a row that cover next to nothing: such a model asks for its sizes one by one."""
MAX_POINTS = 1 << 24
"""Combinations of sizes that are looked at: all those of two symbols."""
SPATIAL = ("D", "H", "W")

Fates = npt.NDArray[np.uint8]
Tracer = Callable[[RunSpec], Run]


@dataclass
class Search:
    """The paths found so far, over one set of axes."""

    trace: Tracer
    first: Run
    names: tuple[str, ...]  # the unknown symbols
    most: int = MAX_TRACES  # runs
    paths: list[tuple[Event, ...]] = field(default_factory=list)
    traces: int = 1
    failed: set[tuple[int, ...]] = field(default_factory=set)  # sizes whose plain run did not come through
    met: frozenset[str] = frozenset()  # the unknown symbols that any path speaks of
    seen: dict[object, tuple[Fates, int]] = field(default_factory=dict)
    # the last look and how many paths it held, since a new path changes only what was uncovered
    grids: dict[tuple[int, tuple[str, ...], int], Domain] = field(default_factory=dict)  # by how many paths they are of
    beside: dict[frozenset[str], tuple[tuple[Requirement, ...], Domain]] = field(default_factory=dict)
    # the requirements of the first path where these symbols are 1, and a grid of the others

    def add(self, run: Run) -> None:
        self.paths.append(tuple(_renamed(run)))
        self.met |= unknown(run)

    def comes_through(self, sizes: Mapping[str, int], fixed: Iterable[str], forgiven: frozenset[Key]) -> bool:
        """Whether forward runs at these sizes, apart from what is reported already; `fixed` are plain numbers."""
        run_spec = replace(self.first.run_spec.at(sizes), fixed=frozenset(fixed))
        trail = self.trace(run_spec).trace.trail
        return trail.end() is None and all(requirement.key in forgiven for requirement in trail.broken())

    def grouped(self, names: Sequence[str], full: int) -> Domain:
        """Every combination of sizes of these symbols, worked out once for all that is known so far."""
        key = (len(self.paths), tuple(names), full)
        if key not in self.grids:
            self.grids = {key: grouped([named(name) for name in names], self.paths, full)} | {
                other: grid for other, grid in self.grids.items() if other[0] == len(self.paths)
            }
        return self.grids[key]

    def look(self, domain: Domain, forgiven: frozenset[Key]) -> Fates:
        """The fate of every size, by the path that covers it."""
        key = (forgiven, *(axis.values.tobytes() for axis in domain.axes))
        fate, done = self.seen.get(key) or (fates(domain, self.paths[0], forgiven), 1)
        for path in self.paths[done:]:
            # Later paths are asked only about what no earlier one covers: a thin rest.
            rest = np.nonzero(fate == UNCOVERED)
            if not len(rest[0]):
                break
            fate[rest] = fates_at(domain, rest, path, forgiven)
        self.seen = {key: (fate, len(self.paths))}
        fate = fate.copy() if self.failed else fate
        for point in self.failed:
            if len(point) == len(domain.axes):
                hits = [axis.values == size for axis, size in zip(domain.axes, point, strict=True)]
                fate[np.ix_(*hits)] = STOPPED
        return fate


def unknown(run: Run) -> frozenset[str]:
    """The symbols that requirements or assumptions speak of; the batch only where a requirement does."""
    names = run.names
    found: set[str] = set()
    for event in run.trace.trail.events:
        if isinstance(event, TraceStopped | Stop):
            continue
        used = {names[symbol] for symbol in event.condition.free_symbols if symbol in names}
        found |= used if isinstance(event, Requirement) else used - {BATCH}
    return frozenset(found)


def _renamed(run: Run) -> Iterable[Event]:
    """Events in symbols that carry their names, so that those of several runs can be compared."""
    names = {symbol: named(name) for symbol, name in run.names.items()}
    for event in run.trace.trail.events:
        if isinstance(event, TraceStopped | Stop) or not event.condition.free_symbols:
            yield event
            continue
        condition = rebuilt(event.condition, names)
        if isinstance(event, Requirement):
            yield replace(event, condition=condition, taints=is_tainting(run, event))
        else:
            yield replace(event, condition=condition)


def rebuilt(expr: sympy.Basic, symbols: Mapping[sympy.Symbol, sympy.Expr]) -> sympy.Basic:
    """The same structure over other symbols or numbers. `xreplace` would work out afresh what is known of each part."""
    if isinstance(expr, sympy.Symbol):
        return symbols.get(expr, expr)
    if not expr.args:
        return expr
    return sympy.Basic.__new__(type(expr), *(rebuilt(arg, symbols) for arg in expr.args))


def named(name: str) -> sympy.Symbol:
    """A symbol that is the same one in every run."""
    return sympy.Symbol(name, integer=True, positive=True)


def domains(search: Search) -> list[Callable[[], Domain]]:
    """Square sizes, then every combination; made again as paths are found, since these tell sizes apart."""
    spatial = [name for name in search.names if name[0] in SPATIAL]
    others = [name for name in search.names if name not in spatial]
    fixed = {named(name): size for name, size in search.first.run_spec.sizes.items() if name not in search.names}

    def square() -> Domain:
        return square_domain(search, [*spatial, *others], fixed)

    def every_combination() -> Domain:
        return replace(search.grouped([*spatial, *others], MAX_POINTS), fixed=fixed)

    return [square, every_combination] if len(spatial) > 1 else [square]


def square_domain(search: Search, names: Sequence[str], fixed: Mapping[sympy.Symbol, int]) -> Domain:
    """The sizes of some symbols, where those of an image are one."""
    spatial = [named(name) for name in names if name[0] in SPATIAL]
    first = [Axis(tuple(spatial), EVERY)] if spatial else []
    room = MAX_POINTS // len(EVERY) if spatial else MAX_POINTS
    rest = search.grouped([name for name in names if name[0] not in SPATIAL], room)
    return Domain((*first, *rest.axes), fixed, rest.is_whole)


def cover(
    search: Search, make: Callable[[], Domain], forgiven: frozenset[Key]
) -> tuple[dict[str, int] | None, bool, Domain, Fates]:
    """Explore until some size is accepted, all are decided, or the budget ends."""
    narrow = 0
    while True:
        domain = make()
        fate = search.look(domain, forgiven)
        if (fate == ACCEPTED).any():
            sizes = sizes_at(domain, pick(fate, ACCEPTED))
            if search.traces >= search.most:
                return None, False, domain, fate
            search.traces += 1
            if search.comes_through(sizes, search.first.run_spec.sizes, forgiven):
                return sizes, True, domain, fate
            search.failed.add(tuple(sizes[str(axis.symbols[0])] for axis in domain.axes))
        elif (fate == UNCOVERED).any():
            if _same_everywhere(search, forgiven):
                return None, True, domain, fate
            if search.traces >= search.most:
                return None, False, domain, fate
            search.traces += 1
            before = int((fate == UNCOVERED).sum())
            search.add(search.trace(search.first.run_spec.at(sizes_at(domain, pick(fate, UNCOVERED)))))
            covered = before - int((search.look(domain, forgiven) == UNCOVERED).sum())
            narrow = narrow + 1 if covered * 64 < before else 0
            if not covered or narrow >= MAX_NARROW:
                return None, covered > 0 and _same_everywhere(search, forgiven), domain, fate
        else:
            is_known = domain.is_whole or _shares_a_mistake(search, forgiven)
            return None, is_known and not (fate == STOPPED).any(), domain, fate


def _same_everywhere(search: Search, forgiven: frozenset[Key]) -> bool:
    """Whether there are many paths, and all share a mistake."""
    return len(search.paths) > MAX_NARROW and _shares_a_mistake(search, forgiven)


def _shares_a_mistake(search: Search, forgiven: frozenset[Key]) -> bool:
    """Whether every path breaks a requirement between the same plain numbers: no size changes that."""
    constant = [
        {
            (event.key, event.actual, event.expected)
            for event in path
            if isinstance(event, Requirement) and event.condition is sympy.false and event.key not in forgiven
        }
        for path in search.paths
    ]
    return bool(frozenset.intersection(*map(frozenset, constant)))


def pick(fate: Fates, wanted: int) -> tuple[int, ...]:
    """One of the wanted points: the middle one, away from the edges where special cases live."""
    hits = np.flatnonzero(fate == wanted)
    return tuple(int(i) for i in np.unravel_index(hits[len(hits) // 2], fate.shape))


def sizes_at(domain: Domain, index: tuple[int, ...]) -> dict[str, int]:
    return {str(symbol): size for symbol, size in domain.point(index).items()}
