"""Which input sizes a model accepts, and which requirements no size meets.

A trace speaks only for the sizes that take its path. So paths are explored until every size of the domain is
accepted by one, rejected by one, or the budget ends: a proof needs all of them, an acceptance a run at that size.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import sympy

from convlint.facts import LARGEST_SIZE
from convlint.worker.domain import ACCEPTED, EVERY, HALTED, UNCOVERED, Axis, Domain, fates, fates_at, grouped
from convlint.worker.inputs import BATCH
from convlint.worker.run import Course, Run
from convlint.worker.trail import Event, Halt, Key, Need, Stop

MAX_TRACES = 24
_SPATIAL = ("D", "H", "W")
LONGEST = 1 << 20
"""The largest length of a sequence that is searched before a proof stands."""
MAX_NARROW = 5
"""Paths in a row that cover next to nothing: such a model asks for its sizes one by one."""
MAX_POINTS = 1 << 23
"""Combinations of sizes that are looked at."""

Fates = npt.NDArray[np.uint8]
Tracer = Callable[[Course], Run]


@dataclass(frozen=True)
class Outcome:
    """What exploration says of one model on one course of decisions.

    `rejected` are the requirements that no size meets, in the order of the trace. `accepted` is a size at which a
    run on plain numbers came through, None where there is none or none was found. `complete` says that every size
    of the domain was decided.
    """

    first: Run
    rejected: tuple[Need | Stop, ...]
    accepted: dict[str, int] | None
    halt: Halt | None
    complete: bool
    domain: Domain | None = None
    fates: Fates | None = None


@dataclass
class _Search:
    """The paths found so far, over one set of axes."""

    trace: Tracer
    first: Run
    names: tuple[str, ...]  # the unknown symbols
    paths: list[tuple[Event, ...]] = field(default_factory=list)
    traces: int = 1
    failed: set[tuple[int, ...]] = field(default_factory=set)  # sizes whose plain run did not come through
    seen: dict[object, tuple[Fates, int]] = field(default_factory=dict)
    # the last look and how many paths it held, since a new path changes only what was uncovered

    def add(self, run: Run) -> None:
        self.paths.append(tuple(_renamed(run)))

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
                fate[np.ix_(*hits)] = HALTED
        return fate


def _renamed(run: Run) -> Iterable[Event]:
    """Events in symbols that carry their names, so that those of several runs can be compared."""
    names = {symbol: sympy.Symbol(name, integer=True, positive=True) for symbol, name in run.names.items()}
    for event in run.trace.trail.events:
        if isinstance(event, Halt | Stop) or not event.condition.free_symbols:
            yield event
        else:
            yield replace(event, condition=event.condition.xreplace(names))


def explore(first: Run, trace: Tracer) -> Outcome:
    """Decide every requirement of a model whose first run is given."""
    names = _unknown(first)
    if not names:
        return _decided(first)
    search = _Search(trace, first, names)
    search.add(first)
    forgiven: frozenset[Key] = frozenset()
    rejected: list[Need | Stop] = []
    while True:
        accepted, complete, domain, fate = _settle(search, forgiven)
        blamed = _blame(search, forgiven) if accepted is None and complete else None
        if blamed is None:
            halt = first.trace.trail.end()
            return Outcome(
                first,
                tuple(rejected),
                accepted,
                halt if isinstance(halt, Halt) else None,
                complete,
                domain,
                fate,
            )
        rejected.append(blamed)
        if isinstance(blamed, Stop):
            return Outcome(first, tuple(rejected), None, None, complete, domain, fate)
        forgiven |= {blamed.key}


def _decided(first: Run) -> Outcome:
    """All sizes are known: what broke in the run is what is wrong."""
    trail = first.trace.trail
    end = trail.end()
    rejected: list[Need | Stop] = list(_distinct(trail.broken()))
    if isinstance(end, Stop):
        rejected.append(end)
    sizes = None if rejected or end else dict(first.course.sizes)
    return Outcome(first, tuple(rejected), sizes, end if isinstance(end, Halt) else None, True)


def _distinct(needs: Iterable[Need]) -> Iterable[Need]:
    seen: set[Key] = set()
    for need in needs:
        if need.key not in seen:
            seen.add(need.key)
            yield need


def _unknown(run: Run) -> tuple[str, ...]:
    """The symbols that requirements or assumptions speak of; the batch only where a requirement does."""
    names = run.names
    found: set[str] = set()
    for event in run.trace.trail.events:
        if isinstance(event, Halt | Stop):
            continue
        used = {names[symbol] for symbol in event.condition.free_symbols if symbol in names}
        found |= used if isinstance(event, Need) else used - {BATCH}
    return tuple(name for name in run.symbols if name in found)


def _settle(
    search: _Search, forgiven: frozenset[Key]
) -> tuple[dict[str, int] | None, bool, Domain | None, Fates | None]:
    """A size that is accepted, else whether all sizes are decided. Square sizes first, then all."""
    accepted, complete, domain, fate = None, False, None, None
    for make in _domains(search):
        accepted, complete, domain, fate = _cover(search, make, forgiven)
        if accepted is not None or not complete:
            break
    if accepted is None and complete:
        accepted = _single_sizes(search, forgiven) or _long_sizes(search, forgiven)
    return accepted, complete, domain, fate


def _single_sizes(search: _Search, forgiven: frozenset[Key]) -> dict[str, int] | None:
    """A size of 1 that works: torch's symbols start at 2, so it is tried on plain numbers before a proof stands."""
    names = [name for name in search.names if name != BATCH]
    groups: dict[str, list[str]] = {}  # the sizes of one input: those with one number behind their letter
    for name in names:
        groups.setdefault(name.lstrip(string.ascii_letters + "_"), []).append(name)
    spatial = [[name for name in group if name[0] in _SPATIAL] for group in groups.values()]
    for chosen in [names, *groups.values(), *filter(None, spatial), *([name] for name in names)]:
        sizes = _sizes_beside(
            search, dict.fromkeys(chosen, 1), [name for name in names if name not in chosen], forgiven
        )
        if sizes is None:
            continue
        course = search.first.course.at(sizes)
        trail = search.trace(replace(course, fixed=frozenset(course.sizes))).trace.trail
        if trail.end() is None and all(need.key in forgiven for need in trail.broken()):
            return {**search.first.course.sizes, **sizes}
    return None


def _sizes_beside(
    search: _Search, ones: dict[str, int], rest: list[str], forgiven: frozenset[Key]
) -> dict[str, int] | None:
    """Sizes for the other symbols that meet the requirements of the first path, where some are 1."""
    hints = search.first.course.sizes
    fixed = {_named(name): ones.get(name, size) for name, size in hints.items() if name not in rest}
    square = [name for name in rest if name[0] in _SPATIAL]
    others = grouped([_named(n) for n in rest if n not in square], search.paths, MAX_POINTS // len(EVERY))
    group = [Axis(tuple(map(_named, square)), EVERY)] if square else []
    domain = Domain((*group, *others.axes), fixed)
    fate = fates(domain, [event for event in search.paths[0] if isinstance(event, Need)], forgiven)
    return _sizes(domain, _pick(fate, ACCEPTED)) if (fate == ACCEPTED).any() else None


def _long_sizes(search: _Search, forgiven: frozenset[Key]) -> dict[str, int] | None:
    """A length beyond the images' sizes that works: sound comes in tens of thousands of samples."""
    hints = search.first.course.sizes
    for name in search.names:
        if name[0] in _SPATIAL or name == BATCH:
            continue
        fixed = {_named(other): size for other, size in hints.items() if other != name}
        domain = Domain((Axis((_named(name),), np.arange(LARGEST_SIZE, LONGEST, dtype=np.int64)),), fixed)
        hits = np.flatnonzero(fates(domain, search.paths[0], forgiven) == ACCEPTED)
        if len(hits):
            return {**hints, name: int(domain.axes[0].values[hits[0]])}
    return None


def _cover(
    search: _Search, make: Callable[[], Domain], forgiven: frozenset[Key]
) -> tuple[dict[str, int] | None, bool, Domain, Fates]:
    """Explore until some size is accepted, all are decided, or the budget ends."""
    narrow = 0
    while True:
        domain = make()
        fate = search.look(domain, forgiven)
        if (fate == ACCEPTED).any():
            sizes = _sizes(domain, _pick(fate, ACCEPTED))
            if search.traces >= MAX_TRACES:
                return None, False, domain, fate
            if _comes_through(search, domain, sizes, forgiven):
                return sizes, True, domain, fate
        elif (fate == UNCOVERED).any():
            if search.traces >= MAX_TRACES:
                return None, _same_everywhere(search), domain, fate
            search.traces += 1
            before = int((fate == UNCOVERED).sum())
            search.add(search.trace(search.first.course.at(_sizes(domain, _pick(fate, UNCOVERED)))))
            covered = before - int((search.look(domain, forgiven) == UNCOVERED).sum())
            narrow = narrow + 1 if covered * 64 < before else 0
            if not covered or narrow >= MAX_NARROW:
                return None, covered > 0 and _same_everywhere(search), domain, fate
        else:
            return None, not (fate == HALTED).any(), domain, fate


def _same_everywhere(search: _Search) -> bool:
    """Many paths, and every one of them breaks a requirement between plain numbers: no size changes that."""
    constant = [
        {event.key for event in path if isinstance(event, Need) and event.condition is sympy.false}
        for path in search.paths
    ]
    return len(constant) > MAX_NARROW and bool(frozenset.intersection(*map(frozenset, constant)))


def _pick(fate: Fates, wanted: int) -> tuple[int, ...]:
    """One of the wanted points: the middle one, away from the edges where special cases live."""
    hits = np.flatnonzero(fate == wanted)
    return tuple(int(i) for i in np.unravel_index(hits[len(hits) // 2], fate.shape))


def _sizes(domain: Domain, index: tuple[int, ...]) -> dict[str, int]:
    return {str(symbol): size for symbol, size in domain.point(index).items()}


def _comes_through(search: _Search, domain: Domain, sizes: dict[str, int], forgiven: frozenset[Key]) -> bool:
    """Whether forward runs on plain numbers of these sizes, apart from what is reported already."""
    search.traces += 1
    course = replace(search.first.course.at(sizes), fixed=frozenset(search.first.course.sizes))
    trail = search.trace(course).trace.trail
    if trail.end() is None and all(need.key in forgiven for need in trail.broken()):
        return True
    search.failed.add(tuple(sizes[str(axis.symbols[0])] for axis in domain.axes))
    return False


def _domains(search: _Search) -> list[Callable[[], Domain]]:
    """Square sizes, then every combination; made anew as paths are found, since these tell sizes apart."""
    spatial = [name for name in search.names if name[0] in _SPATIAL]
    others = [name for name in search.names if name not in spatial]
    fixed = {_named(name): size for name, size in search.first.course.sizes.items() if name not in search.names}

    def square() -> Domain:
        rest = grouped([_named(name) for name in others], search.paths, MAX_POINTS // len(EVERY))
        group = [Axis(tuple(map(_named, spatial)), EVERY)] if spatial else []
        return Domain((*group, *rest.axes), fixed)

    def every_combination() -> Domain:
        return Domain(grouped([_named(name) for name in (*spatial, *others)], search.paths, MAX_POINTS).axes, fixed)

    return [square, every_combination] if len(spatial) > 1 else [square]


def _named(name: str) -> sympy.Symbol:
    return sympy.Symbol(name, integer=True, positive=True)


def _blame(search: _Search, forgiven: frozenset[Key]) -> Need | Stop | None:
    """The first requirement of the first run at which no size is left."""
    path, events = search.paths[0], search.first.trace.trail.events
    domain = _domains(search)[-1]()
    for i, event in enumerate(path):
        if not isinstance(event, Need | Stop) or event.key in forgiven:
            continue
        if not (fates(domain, path[: i + 1], forgiven) == ACCEPTED).any():
            original = events[i]
            assert isinstance(original, Need | Stop)
            return original
    return None
