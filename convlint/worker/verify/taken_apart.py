"""Which layers can be taken apart, and how."""

from __future__ import annotations

from typing import Any

from torch import nn

from convlint.facts import Breakdown
from convlint.worker.ops.breakdown.case import LayerBreakdown, LayerCase, NotShown, feature_axes, pixel_axes, place
from convlint.worker.ops.registry import breakdown_of
from convlint.worker.torch_private.modules import computes_otherwise
from convlint.worker.values.nesting import tensors_in


def kind_of(layer: nn.Module) -> LayerBreakdown | None:
    """None for a layer that is not known, or whose forward is not torch's own."""
    found = breakdown_of(layer)
    if found is None:
        return None
    base, breakdown = found
    return None if computes_otherwise(layer, base) else breakdown


def taken_apart(layer: nn.Module, name: str, given: Any, output: Any, at: tuple[int, ...] | None) -> Breakdown:
    """The number at a place of what a call gave; `given` are its arguments. Raises NotShown."""
    kind = kind_of(layer)
    if kind is None:
        raise NotShown(
            f"{name} ({type(layer).__name__}) is of a kind whose values are not shown: they are those of torch's own "
            "convolutions, linear layers, pools, norms and embeddings"
        )
    x, y = next(tensors_in(given), None), next(tensors_in(output), None)
    if x is None or y is None:
        raise NotShown(f"{name} was not called with a tensor")
    if x.is_complex() or y.is_complex():
        raise NotShown(f"{name} computes in complex numbers, whose values are not shown")
    has_batch = y.dim() > (1 if kind.spatial is None else kind.spatial + 1)
    sizes = tuple(y.shape[1:] if has_batch else y.shape)
    axes = ("channel", *pixel_axes(len(sizes) - 1)) if kind.has_channels else feature_axes(len(sizes))
    if has_batch and not y.shape[0]:
        raise NotShown(f"{name} was called with an empty batch")
    where = place(at, sizes, axes, name)
    number = float((y[0] if has_batch else y)[where])
    case = LayerCase(layer, x, has_batch, where, sizes, axes, number, str(y.dtype).removeprefix("torch."))
    return kind.take(case)
