"""Layers that sum products of inputs and weights: convolutions, transposed ones, and linear layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from convlint.facts import Axis, Breakdown
from convlint.worker.breakdown.case import Case, pixel_axes
from convlint.worker.breakdown.taps import Slide, convolved, transposed
from convlint.worker.breakdown.window import MOST_SHARES, Window, axes_of, doubles, product_sum, share, window_of


def convolution(case: Case) -> Breakdown:
    layer = case.layer
    taps = [
        convolved(place, size, slide, layer.padding_mode)
        for place, size, slide in zip(case.at[1:], case.sample.shape[1:], _slides(layer), strict=True)
    ]
    width = layer.in_channels // layer.groups
    first = case.at[0] // (layer.out_channels // layer.groups) * width
    window = window_of(case.sample[first : first + width], taps)
    axes = axes_of(pixel_axes(len(taps)), taps)
    return _summed(case, window, window.weights(layer.weight[case.at[0]]), first, axes)


def transposed_convolution(case: Case) -> Breakdown:
    layer = case.layer
    taps = [
        transposed(place, size, slide)
        for place, size, slide in zip(case.at[1:], case.sample.shape[1:], _slides(layer), strict=True)
    ]
    outside = layer.out_channels // layer.groups
    group, channel = divmod(case.at[0], outside)
    width = layer.in_channels // layer.groups
    first = group * width
    window = window_of(case.sample[first : first + width], taps)
    weights = window.weights(layer.weight[first : first + width, channel])
    return _summed(case, window, weights, first, axes_of(pixel_axes(len(taps)), taps, has_kernel=True))


def linear(case: Case) -> Breakdown:
    layer = case.layer
    numbers, weights = doubles(case.sample[case.at[:-1]]), doubles(layer.weight[case.at[-1]])
    total, scale = product_sum(numbers, weights)
    bias = _bias(layer, case.at[-1])
    return case.breakdown(
        way="products",
        shares=(share("inputs", numbers, total, weights=weights),),
        bias=bias,
        total=total + (bias or 0.0),
        terms=numbers.numel() + 1,
        scale=scale + abs(bias or 0.0),
    )


def _slides(layer: Any) -> list[Slide]:
    """How the kernel moves. torch puts the smaller half of an uneven "same" padding at the near end."""
    padding = layer.padding
    if padding == "valid":
        padding = (0,) * len(layer.kernel_size)
    elif padding == "same":
        padding = tuple(d * (k - 1) // 2 for d, k in zip(layer.dilation, layer.kernel_size, strict=True))
    numbers = zip(layer.kernel_size, layer.stride, padding, layer.dilation, strict=True)
    return [Slide(*each) for each in numbers]


def _summed(case: Case, window: Window, weights: torch.Tensor, first: int, axes: Sequence[Axis]) -> Breakdown:
    """The products of each channel, and their sum; `first` is the number of the first channel."""
    pairs = list(zip(window.numbers, weights, strict=True))
    sums = [product_sum(*pair) for pair in pairs]
    shares = tuple(
        share(f"input channel {first + i}", *pair[:1], sums[i][0], weights=pair[1], padding=window.padding)
        for i, pair in enumerate(pairs[:MOST_SHARES])
    )
    bias = _bias(case.layer, case.at[0])
    return case.breakdown(
        way="products",
        window=tuple(axes),
        shares=shares,
        more=len(sums) - len(shares),
        rest=sum(total for total, _ in sums[len(shares) :]),
        bias=bias,
        total=sum(total for total, _ in sums) + (bias or 0.0),
        terms=weights.numel() + 1,
        scale=sum(scale for _, scale in sums) + abs(bias or 0.0),
    )


def _bias(layer: Any, channel: int) -> float | None:
    return None if layer.bias is None else float(layer.bias[channel])
