"""The runs that a model is verified in: which sizes, batches and modes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

from convlint.facts import Scenario
from convlint.worker.analysis.solving.domain import ACCEPTED
from convlint.worker.analysis.solving.explore import Outcome
from convlint.worker.trace.input import BATCH

_Pick = Callable[[str, list[int]], int]
"""One of the sizes that a symbol may have."""

LARGEST = 320
"""Of the sizes that work the largest that are run, unless all are larger."""
_USUAL = {"H": 224, "W": 224, "D": 32, "L": 24, "T": 24, "S": 24}
_BATCH = 2


def scenarios(outcome: Outcome, sizes: Mapping[str, int], batch: int | None) -> Iterator[Scenario]:
    """The most telling first. `sizes` are those of the main run, `batch` is one that the user wants."""
    usual = {**sizes, **{name: _usual(name, size) for name, size in sizes.items()}, **_accepted(outcome, _nearest)}
    batches = dict.fromkeys((_BATCH, 1, *([batch] if batch else []))) if BATCH in sizes else {None: None}
    for number in batches:
        own = {} if number is None else {BATCH: number}
        yield from (Scenario(training=training, sizes={**usual, **own}) for training in (False, True))
    for title, pick, number in (("smallest", _smallest, _BATCH), ("largest", _largest, 1)):
        other = {**usual, **_accepted(outcome, pick)}
        if other != usual:
            own = {BATCH: number} if BATCH in sizes else {}
            yield from (Scenario(training=mode, sizes={**other, **own}, title=title) for mode in (False, True))


def _usual(name: str, otherwise: int) -> int:
    return _BATCH if name == BATCH else _USUAL.get(name.rstrip("0123456789"), otherwise)


def _nearest(name: str, sizes: list[int]) -> int:
    wanted = _usual(name, sizes[len(sizes) // 2])
    return min(sizes, key=lambda size: abs(math.log(size / wanted)))


def _smallest(name: str, sizes: list[int]) -> int:
    del name
    return min(sizes)


def _largest(name: str, sizes: list[int]) -> int:
    del name
    return max((size for size in sizes if size <= LARGEST), default=min(sizes))


def _accepted(outcome: Outcome, pick: _Pick) -> dict[str, int]:
    """Sizes that work together, chosen symbol by symbol; empty where none are known."""
    domain, fates = outcome.domain, outcome.fates
    if outcome.accepted is None or domain is None or fates is None:
        return {}
    left = fates == ACCEPTED
    chosen: dict[str, int] = {}
    for axis in domain.axes:  # each choice leaves one slice of what comes next
        hits = left.any(axis=tuple(range(1, left.ndim)))
        sizes = axis.sizes(hits)
        if not sizes:
            return dict(outcome.accepted)
        size = pick(str(axis.symbols[0]), sizes)
        chosen.update(dict.fromkeys(map(str, axis.symbols), size))
        left = left[axis.index_of(size)]
    return chosen
