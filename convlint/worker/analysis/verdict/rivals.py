"""Two requirements that each have a size, but none in common: the finding names both."""

from __future__ import annotations

from dataclasses import dataclass

import sympy

from convlint.facts import LARGEST_SIZE
from convlint.worker.analysis.session import Run
from convlint.worker.analysis.solving.dimensions import sizes_in_words
from convlint.worker.analysis.solving.domain import ACCEPTED, EVERY, Axis, Domain, fates
from convlint.worker.analysis.solving.explore import Outcome
from convlint.worker.trace.input import BATCH
from convlint.worker.trace.trail import Assumption, Event, Requirement

_SPATIAL = ("D", "H", "W")


@dataclass(frozen=True)
class Rivalry:
    """The earlier requirement that leaves a later one no size, and the sizes that each would take alone."""

    rival: Requirement
    alone: str
    rivals: str


def rivalry(outcome: Outcome, requirement: Requirement) -> Rivalry | None:
    """What stands against a requirement that some size would meet if it were the only one."""
    run = outcome.first
    domain = _domain(run, requirement)
    if domain is None:
        return None
    events = run.trace.trail.events
    before = events[: events.index(requirement)] if requirement in events else []
    assumed: list[Event] = [event for event in before if isinstance(event, Assumption)]
    alone = _sizes(domain, [*assumed, requirement], run)
    if alone is None:
        return None
    rejected = {item.key for item in outcome.rejected}
    for other in before:
        if isinstance(other, Requirement) and other.key not in rejected and other.condition.free_symbols:
            theirs = _sizes(domain, [*assumed, other], run)
            if theirs is not None and _sizes(domain, [*assumed, other, requirement], run) is None:
                return Rivalry(other, alone, theirs)
    return None


def _domain(run: Run, requirement: Requirement) -> Domain | None:
    """Square images, or the one other size that the requirement is about; all else as in the run."""
    names = run.names
    free = [symbol for symbol in requirement.condition.free_symbols if names.get(symbol, BATCH) != BATCH]
    spatial = [symbol for symbol, name in names.items() if name[0] in _SPATIAL]
    chosen = spatial if set(free) & set(spatial) else free[:1]
    if not chosen:
        return None
    fixed = {symbol: run.run_spec.sizes[name] for symbol, name in names.items() if symbol not in chosen}
    return Domain((Axis(tuple(chosen), EVERY),), fixed)


def _sizes(domain: Domain, events: list[Event], run: Run) -> str | None:
    """The sizes that these events let through, in words; None for none."""
    axis = domain.axes[0]
    hits = fates(domain, events) == ACCEPTED
    if not hits.any():
        return None
    symbols: tuple[sympy.Symbol, ...] = axis.symbols
    names = " = ".join(sorted(run.names[symbol] for symbol in symbols))
    return f"{names} {sizes_in_words(axis.sizes(hits), LARGEST_SIZE)}"
