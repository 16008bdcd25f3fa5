"""Layers that bring numbers to mean 0 and variance 1, and then scale and shift them, in eval mode."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from convlint.facts import Breakdown
from convlint.worker.ops.breakdown.case import LayerCase
from convlint.worker.ops.breakdown.patch import doubles


def batch_norm(case: LayerCase) -> Breakdown:
    """Also an instance norm that keeps running numbers."""
    layer, channel = case.layer, case.at[0]
    if layer.running_mean is None or layer.running_var is None:
        return _normalised(case, case.input[:, channel], f"of channel {channel} over the batch", channel)
    mean, variance = float(layer.running_mean[channel]), float(layer.running_var[channel])
    return _made(case, mean, variance, f"those that the layer keeps of channel {channel}", channel)


def instance_norm(case: LayerCase) -> Breakdown:
    if case.layer.running_mean is not None:
        return batch_norm(case)
    channel = case.at[0]
    return _normalised(case, case.sample[channel], f"of channel {channel} of this sample", channel)


def group_norm(case: LayerCase) -> Breakdown:
    width = case.layer.num_channels // case.layer.num_groups
    first = case.at[0] // width * width
    over = f"of channels {first} to {first + width - 1} of this sample"
    return _normalised(case, case.sample[first : first + width], over, case.at[0])


def layer_norm(case: LayerCase) -> Breakdown:
    rank = len(case.layer.normalized_shape)
    numbers = case.sample[case.at[: len(case.at) - rank]]
    sizes = "x".join(map(str, case.layer.normalized_shape))
    return _normalised(case, numbers, f"of the numbers that are normalised together ({sizes})", case.at[-rank:])


def _normalised(case: LayerCase, numbers: torch.Tensor, over: str, weight: int | Sequence[int]) -> Breakdown:
    """By the mean and the variance of some numbers; the variance is divided by their count."""
    values = doubles(numbers).flatten().tolist()
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / len(values)
    return _made(case, mean, variance, over, weight, len(values))


def _made(
    case: LayerCase, mean: float, variance: float, over: str, weight: int | Sequence[int], count: int = 1
) -> Breakdown:
    layer, x = case.layer, float(case.sample[case.at])
    scale, shift = _at(layer.weight, weight), _at(layer.bias, weight)
    named = {"x": x, "mean": mean, "variance": variance, "eps": layer.eps, "weight": scale, "bias": shift}
    factor = (1.0 if scale is None else scale) * _inverse_root(variance + layer.eps)
    return case.breakdown(
        way="normalised",
        named={name: value for name, value in named.items() if value is not None},
        over=over,
        total=(x - mean) * factor + (shift or 0.0),
        terms=count,
        scale=(abs(x) + abs(mean)) * abs(factor) + abs(shift or 0.0),
    )


def _inverse_root(number: float) -> float:
    """As torch reckons: inf of 0, and nan of what is less."""
    if number > 0:
        return 1 / math.sqrt(number)
    return math.inf if number == 0 else math.nan


def _at(weights: Any, place: int | Sequence[int]) -> float | None:
    return None if weights is None else float(weights[place if isinstance(place, int) else tuple(place)])
