"""Whether the two sides of a mistake can agree for some value of what was guessed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

Sides = tuple[object, object]
"""What came and what was needed, in a model that was built with one set of guessed arguments."""


def can_agree(samples: Sequence[Sides], *, moves: bool = True) -> bool:
    """Whether other arguments may mend a mistake that was seen with several sets of them.

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
    cames, neededs = ({sides[i] for sides in numbers} for i in (0, 1))
    if len(cames) == 1 or len(neededs) == 1:
        return True
    ratios = {Fraction(actual, expected) for actual, expected in numbers if expected}
    differences = {actual - expected for actual, expected in numbers}
    return len(ratios) != 1 and len(differences) != 1
