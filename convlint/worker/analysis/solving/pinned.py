"""Sizes that the code turned into numbers: what is wrong with these numbers may be right with others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy
from torch import fx

from convlint.worker.analysis.session import Run, RunSpec
from convlint.worker.analysis.solving.dimensions import tensor_fact
from convlint.worker.trace.trail import Assumption, Key, Raised, Requirement, Stop

_OTHER = 5  # how much larger the other sizes are


def pinned(run: Run) -> frozenset[str]:
    """The symbols that this run has as plain numbers, from the start or since something asked for their value."""
    names = run.names
    asked = (
        event.condition.free_symbols
        for event in run.trace.trail.events
        if isinstance(event, Assumption) and isinstance(event.condition, sympy.Eq) and _has_number(event.condition)
    )
    return run.run_spec.fixed & run.run_spec.sizes.keys() | {
        names[symbol] for one in asked for symbol in one & names.keys()
    }


def _has_number(equality: sympy.Eq) -> bool:
    return any(side.is_Integer for side in equality.args)


def standing(
    first: Run, trace: Callable[[RunSpec], Run], rejected: Sequence[Requirement | Stop]
) -> tuple[Requirement | Stop, ...]:
    """Of what is wrong in a run, what is wrong in the same way where each size that it has as a number is another."""
    names = pinned(first) if rejected else frozenset()
    if not names:
        return tuple(rejected)
    sizes = first.run_spec.sizes
    other = trace(first.run_spec.at({name: sizes[name] + _OTHER for name in names}))
    broken = {requirement.key: requirement for requirement in other.trace.trail.broken()}
    end = other.trace.trail.end()
    if isinstance(end, Raised) or (isinstance(end, Stop) and end.key not in {item.key for item in rejected}):
        return tuple(rejected)  # the code takes no other size
    return tuple(
        item
        for item in rejected
        if (_same(item, broken) if isinstance(item, Requirement) else _ends_alike(first, item, other))
    )


def _same(requirement: Requirement, broken: dict[Key, Requirement]) -> bool:
    other = broken.get(requirement.key)
    if other is None or requirement.condition is not sympy.false:
        return other is not None
    return (other.actual, other.expected) == (requirement.actual, requirement.expected)


def _ends_alike(first: Run, stop: Stop, other: Run) -> bool:
    """Whether torch refuses the same call for what no size of the input decides: its kind, or sizes that stay."""
    end = other.trace.trail.end()
    if not isinstance(end, Stop) or end.key != stop.key:
        return False
    return (stop.is_misuse and end.is_misuse) or _sizes_of_call(first, stop) == _sizes_of_call(other, end)


def _sizes_of_call(run: Run, stop: Stop) -> tuple[object, ...]:
    """The shapes that go into a refused call, and its other arguments."""
    node = run.trace.nodes[stop.node]
    shapes = tuple(tensor_fact(meta, run.names).shape for meta in node.meta["inputs"])
    return shapes, fx.node.map_arg((node.args, node.kwargs), lambda one: one.name)
