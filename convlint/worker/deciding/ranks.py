"""Findings between layers alone, which stand whatever the rank of an input is that nobody has confirmed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import sympy

from convlint.worker.deciding.explore import Outcome
from convlint.worker.inputs.guesses import GUESSED, NAMED, RANKS, TRIED
from convlint.worker.inputs.input import Input
from convlint.worker.run import Run
from convlint.worker.trail import Halt, Key

Try = Callable[[tuple[Input, ...]], tuple[Run, Outcome]]
"""The first run with some inputs, and what exploring says of them."""


def in_every_rank(run: Run, keys: Iterable[Key], attempt: Try) -> frozenset[Key]:
    """Those of the findings that compare two plain numbers, if forward runs with no other rank of the input either."""
    between = _between_layers(run, keys)
    if not between:
        return between
    others = list(_other_ranks(run.course.inputs))
    return between if others and all(_refuses(*attempt(inputs)) for inputs in others) else frozenset()


def _between_layers(run: Run, keys: Iterable[Key]) -> frozenset[Key]:
    wanted = set(keys)
    return frozenset(
        need.key
        for need in run.trace.trail.broken()
        if need.key in wanted
        and need.condition is sympy.false
        and isinstance(need.came, sympy.Integer)
        and isinstance(need.needed, sympy.Integer)
    )


def _other_ranks(inputs: tuple[Input, ...]) -> Iterator[tuple[Input, ...]]:
    """The inputs with the one that is guessed in every other rank; none where it is not exactly one.

    A name may also stand for other sizes of the same rank.
    """
    guessed = [item for item in inputs if item.source in (GUESSED, TRIED, NAMED) and item.spec.shape is not None]
    if len(guessed) != 1 or guessed[0].within is not None:
        return
    (item,) = guessed
    for rank, axes in RANKS.items():
        if rank != len(item.spec.shape or ()) or (item.source == NAMED and axes != item.spec.shape):
            other = replace(item, spec=item.spec.model_copy(update={"shape": axes}))
            yield tuple(other if one is item else one for one in inputs)


def _refuses(run: Run, outcome: Outcome) -> bool:
    """Whether it is proved that forward takes no size: what cannot be followed proves nothing."""
    if run.is_on_numbers or isinstance(run.trace.trail.end(), Halt):
        return False
    return bool(outcome.rejected)
