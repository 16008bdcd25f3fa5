"""What a device reaches at best: a large matrix product for its arithmetic, a large copy for its memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache

import torch

from convlint.facts import Limits
from convlint.hardware import Precision
from convlint.worker.values.precision import cast_of, computing
from convlint.worker.verify.device import synchronize

_SIDE = {"cpu": 1024}  # of the matrices
_LARGE_SIDE = 8192
_COPY = {"cpu": 1 << 24}  # elements
_LARGE_COPY = 1 << 28
_REPEATS = 5


@lru_cache(maxsize=8)
def limits(device: torch.device, precision: Precision) -> Limits:
    """Operations and bytes a second. A copy reads and writes each byte."""
    side, count = _SIDE.get(device.type, _LARGE_SIDE), _COPY.get(device.type, _LARGE_COPY)
    dtype = cast_of(precision) or torch.float32
    with torch.no_grad(), computing(precision, device.type):
        matrix = torch.rand(side, side, device=device).to(dtype)
        product = _best(lambda: matrix @ matrix, device)
        source = torch.zeros(count, device=device)
        target = torch.empty_like(source)
        copy = _best(lambda: target.copy_(source), device)
    return Limits(flops=2 * side**3 / product, bytes=2 * count * source.element_size() / copy)


def _best(run: Callable[[], object], device: torch.device) -> float:
    """The seconds of the fastest of several runs."""
    found = []
    for _ in range(_REPEATS + 1):
        synchronize(device)
        started = time.perf_counter()
        run()
        synchronize(device)
        found.append(time.perf_counter() - started)
    return min(found[1:])
