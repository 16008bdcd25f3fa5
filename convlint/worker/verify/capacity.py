"""The largest batch of a training step that fits into some memory: reckoned on tensors without contents, then run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch

from convlint.facts import Capacity, RunInput
from convlint.worker.trace.input import BATCH
from convlint.worker.verify.bench import Bench
from convlint.worker.verify.forecast import forecast
from convlint.worker.verify.memory import used

_MOST = 1 << 16
"""No larger batch is tried."""
_SLACK = 1.02  # steps of the search for the batch that is found, at the end


def capacity(bench: Bench, feed: Sequence[RunInput], sizes: Mapping[str, int], memory: int, *, runs: bool) -> Capacity:
    """`memory` in bytes; `runs`: confirm the batch on the device. Raises what forward raises."""
    if BATCH not in sizes:
        return Capacity(memory=memory, note="its inputs have one batch")

    def inputs(batch: int) -> list[RunInput]:
        return [item.at({**sizes, BATCH: batch}) for item in feed]

    def needs(batch: int) -> int:
        requirement = forecast(bench, inputs(batch))
        return requirement.workspace + (requirement.step if requirement.step is not None else requirement.forward)

    predicted = largest(lambda batch: needs(batch) <= memory)
    if not runs or predicted == 0:
        return Capacity(memory=memory, predicted=predicted, is_bounded=predicted < _MOST)
    found = _near(predicted, lambda batch: _fits(bench, inputs(batch)))
    return Capacity(memory=memory, predicted=predicted, found=found, is_bounded=found < _MOST)


def largest(fits: Callable[[int], bool], most: int = _MOST) -> int:
    """The largest batch up to `most` that fits, where each smaller one fits as well; 0 where none does."""
    low, high = 0, 1
    while high <= most and fits(high):
        low, high = high, high * 2
    high = min(high, most + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _near(start: int, fits: Callable[[int], bool]) -> int:
    """The largest batch that fits, looked for around a guess, to 2 % of it."""
    step = max(1, round(start * (_SLACK - 1)))
    batch = start
    if fits(batch):
        while batch + step <= _MOST and fits(batch + step):
            batch += step
        return batch
    while batch > 0 and not fits(batch):
        batch -= step
    return max(batch, 0)


def _fits(bench: Bench, inputs: Sequence[RunInput]) -> bool:
    try:
        used(bench, inputs)
    except torch.OutOfMemoryError:
        torch.accelerator.empty_cache()
        return False
    return True
