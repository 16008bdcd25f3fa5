"""Whether the two sides of a mistake can agree for some value of what was guessed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

Sides = tuple[object, object]
"""What came and what was needed, in a model that was built with one set of guessed arguments."""


def can_agree(samples: Sequence[Sides], *, moves: bool = True) -> bool:
    """Whether other arguments may fix a mistake that was seen with several sets of them.

    Two constants that differ never agree, nor do `2*f` and `f`, or `f + 1` and `f`; a side that moves meets any number
    that stands still. Without `moves` only constants count as a proof.
    """
    if all(sample == samples[0] for sample in samples):
        return False
    numbers = [
        (actual, expected) for actual, expected in samples if isinstance(actual, int) and isinstance(expected, int)
    ]
    if not moves or len(numbers) < len(samples):
        return True
    return not _move_together(numbers)


def _move_together(samples: Sequence[tuple[int, int]]) -> bool:
    """Whether both sides move, and always by the same factor or the same distance from each other."""
    actual, expected = zip(*samples, strict=True)
    if len(set(actual)) == 1 or len(set(expected)) == 1:
        return False
    ratios = {Fraction(one, other) for one, other in samples if other}
    differences = {one - other for one, other in samples}
    return len(ratios) == 1 or len(differences) == 1
