"""Which input sizes a model accepts, and which requirements no size meets.

A trace speaks only for the sizes that take its path. So paths are explored until every size of the domain is
accepted by one, rejected by one, or the budget ends: a proof needs all of them, an acceptance a run at that size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import sympy

from convlint.worker.analysis.session import Run
from convlint.worker.analysis.solving.constants import unconditional
from convlint.worker.analysis.solving.domain import ACCEPTED, Domain, fates, none_left_at
from convlint.worker.analysis.solving.extremes import long_size, single_size
from convlint.worker.analysis.solving.pinned import standing
from convlint.worker.analysis.solving.search import (
    MAX_TRACES,
    SPATIAL,
    Fates,
    Search,
    Tracer,
    cover,
    domains,
    named,
    rebuilt,
    square_domain,
    unknown,
)
from convlint.worker.trace.trail import Event, Key, Requirement, Stop, TraceStopped
from convlint.worker.trace.work import WorkSpent


@dataclass(frozen=True)
class Outcome:
    """What exploration says of one model in one run of decisions.

    `rejected` are the requirements that no size meets, in the order of the trace. `accepted` is a size at which a
    run on plain numbers came through, None where there is none or none was found. `complete` says that every size
    of the domain was decided.
    """

    first: Run
    rejected: tuple[Requirement | Stop, ...]
    accepted: dict[str, int] | None
    stopped: TraceStopped | None
    complete: bool
    domain: Domain | None = None
    fates: Fates | None = None


def explore(first: Run, trace: Tracer, most: int = MAX_TRACES) -> Outcome:
    """Decide every requirement of a model whose first run is given, with so many runs at most."""
    outcome = _explored(first, trace, most)
    still = standing(first, trace, outcome.rejected)
    if len(still) == len(outcome.rejected):
        return outcome
    return replace(outcome, rejected=still, accepted=None, complete=False)


def _explored(first: Run, trace: Tracer, most: int) -> Outcome:
    names = unknown(first)
    while names:
        search = Search(trace, first, tuple(name for name in first.symbols if name in names), most)
        outcome = _outcome(search)
        if search.met <= names:
            return outcome
        names |= search.met  # a path after a check of the height may ask for the width
    return _decided(first)


def _outcome(search: Search) -> Outcome:
    """Over the symbols of one search."""
    first = search.first
    search.add(first)
    rejected: list[Requirement | Stop] = list(unconditional(first))
    forgiven = frozenset(requirement.key for requirement in rejected)
    while True:
        try:
            accepted, complete, domain, fate = _settle(search, forgiven)
        except WorkSpent:
            if not rejected:
                raise
            return Outcome(first, _in_order(rejected, first), None, None, complete=False)  # these are proved
        blamed = _blame(search, forgiven) if accepted is None and complete else None
        if blamed is None:
            stopped = first.trace.trail.end()
            return Outcome(
                first,
                _in_order(rejected, first),
                accepted,
                stopped if isinstance(stopped, TraceStopped) else None,
                complete,
                domain,
                fate,
            )
        if isinstance(blamed, Stop):
            rejected.append(blamed)
            return Outcome(first, _in_order(rejected, first), None, None, complete, domain, fate)
        alike = _alike(first, blamed, forgiven)
        rejected += alike
        forgiven |= {requirement.key for requirement in alike}


def _alike(first: Run, blamed: Requirement, forgiven: frozenset[Key]) -> list[Requirement]:
    """The requirement that no size meets, and each after it with the same condition: a block that is built n times
    is decided once."""
    events = first.trace.trail.events
    behind = events[next(i for i, event in enumerate(events) if event is blamed) + 1 :]
    same = (
        event
        for event in behind
        if isinstance(event, Requirement)
        and not event.holds
        and event.condition == blamed.condition
        and event.key != blamed.key
        and event.key not in forgiven
    )
    return [blamed, *_distinct(same)]


def _in_order(rejected: list[Requirement | Stop], first: Run) -> tuple[Requirement | Stop, ...]:
    """As they come in the trace."""
    places = {id(event): i for i, event in enumerate(first.trace.trail.events)}
    return tuple(sorted(rejected, key=lambda item: places[id(item)]))


def _decided(first: Run) -> Outcome:
    """All sizes are known: what broke in the run is what is wrong."""
    trail = first.trace.trail
    end = trail.end()
    rejected: list[Requirement | Stop] = list(_distinct(trail.broken()))
    if isinstance(end, Stop):
        rejected.append(end)
    sizes = None if rejected or end else dict(first.run_spec.sizes)
    return Outcome(first, tuple(rejected), sizes, end if isinstance(end, TraceStopped) else None, True)


def _distinct(needs: Iterable[Requirement]) -> Iterator[Requirement]:
    seen: set[Key] = set()
    for requirement in needs:
        if requirement.key not in seen:
            seen.add(requirement.key)
            yield requirement


def _settle(
    search: Search, forgiven: frozenset[Key]
) -> tuple[dict[str, int] | None, bool, Domain | None, Fates | None]:
    """A size that is accepted, else whether all sizes are decided. Square sizes first, then all."""
    accepted, complete, domain, fate = None, False, None, None
    for make in domains(search):
        accepted, complete, domain, fate = cover(search, make, forgiven)
        if accepted is not None or not complete:
            break
    if accepted is None and complete:
        accepted = single_size(search, forgiven) or long_size(search, forgiven)
    return accepted, complete, domain, fate


def _blame(search: Search, forgiven: frozenset[Key]) -> Requirement | Stop | None:
    """The first requirement of the first run at which no size is left, or one before it that fits by chance."""
    path, events = search.paths[0], search.first.trace.trail.events
    end = none_left_at(domains(search)[-1](), path, forgiven)
    if end is None:
        return None
    for number, event in enumerate(path[end:], end):
        if isinstance(event, Requirement | Stop) and event.key not in forgiven:
            chance = _fits_by_chance(search, path[:number], forgiven)
            original = events[number if chance is None else chance]
            assert isinstance(original, Requirement | Stop)
            return original
    return None


def _fits_by_chance(search: Search, path: Sequence[Event], forgiven: frozenset[Key]) -> int | None:
    """The first sum that is broken at the sizes of the run and fits only images so small that one side of it is 1:
    what conflicts with that follows from it."""
    fixed = {named(name): size for name, size in search.first.run_spec.sizes.items() if name not in search.names}
    domain = square_domain(search, search.names, fixed)
    names = {symbol: named(name) for name, symbol in search.first.symbols.items()}
    spatial = {symbol for axis in domain.axes[:1] for symbol in axis.symbols if str(symbol)[0] in SPATIAL}
    for number, event in enumerate(path):
        if not isinstance(event, Requirement) or event.name != "broadcast":
            continue
        if event.holds or event.key in forgiven:
            continue
        equal = _equal_sides(event, names, spatial)
        if equal is not None and not (fates(Domain(domain.axes[:1], fixed), [equal]) == ACCEPTED).any():
            return number
    return None


def _equal_sides(
    requirement: Requirement, names: Mapping[sympy.Symbol, sympy.Expr], spatial: set[sympy.Symbol]
) -> Requirement | None:
    """A sum's requirement that both sides are of one size, where only images decide these."""
    given = (requirement.actual, requirement.expected)
    sides = [rebuilt(side, names) for side in given if isinstance(side, sympy.Expr)]
    used = set[sympy.Basic]().union(*(side.free_symbols for side in sides))
    if len(sides) != 2 or not used or not used <= spatial:
        return None
    return replace(requirement, condition=sympy.Eq(*sides, evaluate=False))
