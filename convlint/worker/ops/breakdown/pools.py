"""Layers that keep the largest number or the mean of a window of one channel."""

from __future__ import annotations

from collections.abc import Callable

from convlint.facts import Breakdown
from convlint.ops.window import per_dim, windows
from convlint.worker.ops.breakdown.case import LayerCase, pixel_axes
from convlint.worker.ops.breakdown.patch import Patch, axes_of, patch_of, share
from convlint.worker.ops.breakdown.taps import Tap, adapted, pooled

_Taps = list[list[Tap]]


def max_pool(case: LayerCase) -> Breakdown:
    return _largest(case, _slid(case, counts_padding=False))


def adaptive_max_pool(case: LayerCase) -> Breakdown:
    return _largest(case, _adapted(case))


def avg_pool(case: LayerCase) -> Breakdown:
    layer = case.layer
    taps = _slid(case, counts_padding=layer.count_include_pad)
    return _mean(case, taps, getattr(layer, "divisor_override", None))


def adaptive_avg_pool(case: LayerCase) -> Breakdown:
    return _mean(case, _adapted(case), None)


def _adapted(case: LayerCase) -> _Taps:
    return _along(case, lambda axis, place, size: adapted(place, size, case.sizes[1 + axis]))


def _slid(case: LayerCase, *, counts_padding: bool) -> _Taps:
    layer, spatial = case.layer, len(case.at) - 1
    kernel, dilation = per_dim(layer.kernel_size, spatial), getattr(layer, "dilation", 1)
    moves = windows(kernel, layer.stride, layer.padding, dilation)
    return _along(case, lambda axis, place, size: pooled(place, size, moves[axis], counts_padding=counts_padding))


def _along(case: LayerCase, taps: Callable[[int, int, int], list[Tap]]) -> _Taps:
    pairs = zip(case.at[1:], case.sample.shape[1:], strict=True)
    return [taps(axis, place, size) for axis, (place, size) in enumerate(pairs)]


def _patch(case: LayerCase, taps: _Taps) -> Patch:
    return patch_of(case.sample[case.at[0] : case.at[0] + 1], taps)


def _largest(case: LayerCase, taps: _Taps) -> Breakdown:
    numbers = _patch(case, taps).numbers[0]
    total = float(numbers.max())
    return case.breakdown(
        way="largest",
        window=axes_of(pixel_axes(len(taps)), taps),
        shares=(share(f"input channel {case.at[0]}", numbers, total),),
        total=total,
    )


def _mean(case: LayerCase, taps: _Taps, divisor: int | None) -> Breakdown:
    patch = _patch(case, taps)
    numbers = patch.numbers[0].flatten().tolist()
    total, divisor = sum(numbers), divisor or len(numbers)
    return case.breakdown(
        way="mean",
        window=axes_of(pixel_axes(len(taps)), taps),
        shares=(share(f"input channel {case.at[0]}", patch.numbers[0], total, padding=patch.padding),),
        divisor=divisor,
        total=total / divisor,
        terms=len(numbers),
        scale=sum(map(abs, numbers)) / abs(divisor),
    )
