"""The input sizes that an exploration found to work, as lists and in words."""

from __future__ import annotations

from convlint.facts import LARGEST_SIZE
from convlint.worker.analysis.solving.dimensions import SHOWN, form_of, sizes_in_words
from convlint.worker.analysis.solving.domain import ACCEPTED, UNCOVERED, Domain
from convlint.worker.analysis.solving.explore import Outcome
from convlint.worker.analysis.solving.search import SPATIAL, Fates
from convlint.worker.trace.input import BATCH

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
        result.update(dict.fromkeys(map(str, axis.symbols), sizes_along(domain, fate, i)))
    return result


def sizes_along(domain: Domain, fates: Fates, number: int) -> list[int]:
    """The sizes of one axis that some accepted point has."""
    others = tuple(i for i in range(fates.ndim) if i != number)
    return domain.axes[number].sizes((fates == ACCEPTED).any(axis=others))


SMALLEST = 8
"""Images of fewer pixels are not what a model is made for."""


def usable_in_words(outcome: Outcome) -> str | None:
    """The sizes that someone may want to feed: a multiple of 8, a few, from some size on; None where none is."""
    domain, fate, sizes = outcome.domain, outcome.fates, accepted_sizes(outcome)
    if domain is None or fate is None or not sizes:
        return None
    parts = []
    for axis in domain.axes:
        name = str(axis.symbols[0])
        if name == BATCH:
            continue
        usable = [size for size in sizes[name] if size >= SMALLEST or name[0] not in SPATIAL]
        if not usable:
            return None
        parts.append(_compact(list(map(str, axis.symbols)), usable if len(usable) <= FEW else sizes[name]))
    return ", ".join(parts) or None


def _compact(names: list[str], sizes: list[int]) -> str:
    """`a multiple of 8 for H and W`, where all of those work; `H = W in 32..35`."""
    text = sizes_in_words(sizes, LARGEST_SIZE)
    if len(sizes) > FEW:
        form, every = form_of(sizes, LARGEST_SIZE), frozenset(sizes)
        steps = (2**power for power in range(1, 8)) if form == "list" and len(sizes) > SHOWN else ()
        step = next((one for one in steps if every.issuperset(range(max(one, sizes[0]), LARGEST_SIZE + 1, one))), None)
        if step is not None:
            return f"a multiple of {step} for {' and '.join(names)}"
        if form == "endless":
            return f"{text} for {' and '.join(names)}"
    return f"{' = '.join(names)} {text}"


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
