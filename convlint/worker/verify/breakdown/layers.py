"""Which layers can be taken apart, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from torch import nn

from convlint.facts import Breakdown
from convlint.worker.torch_private.modules import computes_otherwise
from convlint.worker.values.nesting import tensors_in
from convlint.worker.verify.breakdown.case import LayerCase, NotShown, feature_axes, pixel_axes, place
from convlint.worker.verify.breakdown.norms import batch_norm, group_norm, instance_norm, layer_norm
from convlint.worker.verify.breakdown.pools import adaptive_avg_pool, adaptive_max_pool, avg_pool, max_pool
from convlint.worker.verify.breakdown.products import convolution, linear, transposed_convolution
from convlint.worker.verify.breakdown.tables import embedding


@dataclass(frozen=True, slots=True)
class LayerKind:
    """How the numbers of a kind of layer are taken apart, and what the sizes of its output are."""

    take: Callable[[LayerCase], Breakdown]
    spatial: int | None = None  # how many sizes stand behind the channels; None: any number
    has_channels: bool = True  # else the features come last


def _spatial(take: Callable[[LayerCase], Breakdown], *kinds: type[nn.Module]) -> dict[type[nn.Module], LayerKind]:
    """The layers of one, two and three dimensions."""
    return {kind: LayerKind(take, spatial) for spatial, kind in enumerate(kinds, start=1)}


KINDS: Final[Mapping[type[nn.Module], LayerKind]] = {
    **_spatial(convolution, nn.Conv1d, nn.Conv2d, nn.Conv3d),
    **_spatial(transposed_convolution, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
    **_spatial(max_pool, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d),
    **_spatial(avg_pool, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
    **_spatial(adaptive_max_pool, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d),
    **_spatial(adaptive_avg_pool, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
    **_spatial(instance_norm, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
    **dict.fromkeys([nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm], LayerKind(batch_norm)),
    nn.GroupNorm: LayerKind(group_norm),
    nn.LayerNorm: LayerKind(layer_norm, has_channels=False),
    nn.Linear: LayerKind(linear, has_channels=False),
    nn.Embedding: LayerKind(embedding, has_channels=False),
}


def kind_of(layer: nn.Module) -> LayerKind | None:
    """None for a layer that is not known, or whose forward is not torch's own."""
    found = next((base for base in type(layer).__mro__ if base in KINDS), None)
    return None if found is None or computes_otherwise(layer, found) else KINDS[found]


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
