"""The input sizes that an exploration found to work, as lists and in words."""

from __future__ import annotations

from convlint.facts import LARGEST_SIZE
from convlint.worker.deciding.domain import ACCEPTED, UNCOVERED
from convlint.worker.deciding.explore import Outcome
from convlint.worker.dimensions import sizes_in_words
from convlint.worker.inputs.input import BATCH

FEW = 16
"""Up to so many sizes of a symbol are listed; more are put in words."""


def accepted_sizes(outcome: Outcome) -> dict[str, list[int]]:
    """For each unknown symbol all the sizes that some accepted point has; none where other sizes may work as well."""
    domain, fate = outcome.domain, outcome.fates
    if outcome.accepted is None or domain is None or fate is None or (fate == UNCOVERED).any():
        return {}
    if not (fate == ACCEPTED).any():  # what works lies outside of the domain
        return {}
    result: dict[str, list[int]] = {}
    for i, axis in enumerate(domain.axes):
        others = tuple(j for j in range(fate.ndim) if j != i)
        hits = (fate == ACCEPTED).any(axis=others)
        result.update(dict.fromkeys(map(str, axis.symbols), axis.sizes(hits)))
    return result


def accepted_in_words(outcome: Outcome) -> str | None:
    """`H = W in {28, 29}`; None where nothing is known or the batch alone counts."""
    domain, fate, sizes = outcome.domain, outcome.fates, accepted_sizes(outcome)
    if domain is None or fate is None or not sizes:
        return None
    parts = [
        f"{' = '.join(map(str, axis.symbols))} {sizes_in_words(sizes[str(axis.symbols[0])], LARGEST_SIZE)}"
        for axis in domain.axes
        if str(axis.symbols[0]) != BATCH
    ]
    return ", ".join(parts) or None
