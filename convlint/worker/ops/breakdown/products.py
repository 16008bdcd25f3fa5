"""Layers that sum products of inputs and weights: convolutions, transposed ones, and linear layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from convlint.facts import Breakdown, WindowAxis
from convlint.ops.window import Window, same_padding, windows
from convlint.worker.ops.breakdown.case import LayerCase, pixel_axes
from convlint.worker.ops.breakdown.patch import MOST_SHARES, Patch, axes_of, doubles, patch_of, product_sum, share
from convlint.worker.ops.breakdown.taps import convolved, transposed


def convolution(case: LayerCase) -> Breakdown:
    layer = case.layer
    taps = [
        convolved(place, size, window, layer.padding_mode)
        for place, size, window in zip(case.at[1:], case.sample.shape[1:], _windows(layer), strict=True)
    ]
    width = layer.in_channels // layer.groups
    first = case.at[0] // (layer.out_channels // layer.groups) * width
    patch = patch_of(case.sample[first : first + width], taps)
    axes = axes_of(pixel_axes(len(taps)), taps)
    return _summed(case, patch, patch.weights(layer.weight[case.at[0]]), first, axes)


def transposed_convolution(case: LayerCase) -> Breakdown:
    layer = case.layer
    taps = [
        transposed(place, size, window)
        for place, size, window in zip(case.at[1:], case.sample.shape[1:], _windows(layer), strict=True)
    ]
    outside = layer.out_channels // layer.groups
    group, channel = divmod(case.at[0], outside)
    width = layer.in_channels // layer.groups
    first = group * width
    patch = patch_of(case.sample[first : first + width], taps)
    weights = patch.weights(layer.weight[first : first + width, channel])
    return _summed(case, patch, weights, first, axes_of(pixel_axes(len(taps)), taps, has_kernel=True))


def linear(case: LayerCase) -> Breakdown:
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


def _windows(layer: Any) -> tuple[Window, ...]:
    """How the kernel moves."""
    padding = layer.padding
    if padding == "valid":
        padding = (0,) * len(layer.kernel_size)
    elif padding == "same":
        padding = tuple(map(same_padding, layer.kernel_size, layer.dilation))
    return windows(layer.kernel_size, layer.stride, padding, layer.dilation)


def _summed(case: LayerCase, patch: Patch, weights: torch.Tensor, first: int, axes: Sequence[WindowAxis]) -> Breakdown:
    """The products of each channel, and their sum; `first` is the number of the first channel."""
    pairs = list(zip(patch.numbers, weights, strict=True))
    sums = [product_sum(*pair) for pair in pairs]
    shares = tuple(
        share(f"input channel {first + i}", *pair[:1], sums[i][0], weights=pair[1], padding=patch.padding)
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
