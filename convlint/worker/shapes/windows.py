"""Shapes behind a window that slides over the last dims: convolutions and pools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from convlint.worker.call import Call
from convlint.worker.requirements.window import per_dim
from convlint.worker.shapes.rule import Rule, Shape
from convlint.worker.sizes import Size


def _window(size: Size, kernel: Size, stride: int, padding: int, dilation: int) -> Size:
    """`floor((size + 2*padding - dilation*(kernel-1) - 1) / stride) + 1` (torch.nn.Conv2d, torch.nn.MaxPool2d)."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def conv_layer(call: Call) -> Shape | None:
    layer: Any = call.layer
    x = call.tensor(0, "input")
    if x is None or len(call.args) + len(call.kwargs) > 1:
        return None
    padding = None if layer.padding == "same" else [0] * 3 if layer.padding == "valid" else layer.padding
    geometry = (layer.kernel_size, layer.stride, padding, layer.dilation)
    if layer.transposed:
        return _transposed(x, layer.out_channels, geometry, layer.output_padding)
    return _convolved(x, layer.out_channels, geometry)


def _convolved(x: torch.Tensor, channels: Size, geometry: tuple[Any, ...]) -> Shape:
    kernel, stride, padding, dilation = geometry
    rank = len(kernel)
    sizes = [
        x.shape[x.dim() - rank + i]
        if padding is None
        else _window(x.shape[x.dim() - rank + i], kernel[i], stride[i], padding[i], dilation[i])
        for i in range(rank)
    ]
    return (*x.shape[: x.dim() - rank - 1], channels, *sizes)


def _transposed(x: torch.Tensor, channels: Size, geometry: tuple[Any, ...], extra: Sequence[int]) -> Shape:
    """`(size-1)*stride - 2*padding + dilation*(kernel-1) + output_padding + 1` (torch.nn.ConvTranspose2d)."""
    kernel, stride, padding, dilation = geometry
    rank = len(kernel)
    sizes = [
        (x.shape[x.dim() - rank + i] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (kernel[i] - 1) + extra[i] + 1
        for i in range(rank)
    ]
    return (*x.shape[: x.dim() - rank - 1], channels, *sizes)


def conv_function(rank: int) -> Rule:
    def rule(call: Call) -> Shape | None:
        x, weight = call.tensor(0, "input"), call.tensor(1, "weight")
        padding = call.get(4, "padding", 0)
        if x is None or weight is None or isinstance(padding, str):
            return None
        stride, dilation = call.get(3, "stride", 1), call.get(5, "dilation", 1)
        geometry = (weight.shape[2:], *(per_dim(value, rank) for value in (stride, padding, dilation)))
        return _convolved(x, weight.shape[0], geometry)

    return rule


def pool(rank: int, names: tuple[str, ...], from_layer: bool) -> Rule:
    def rule(call: Call) -> Shape | None:
        def get(name: str) -> Any:
            if from_layer:
                return getattr(call.layer, name, None)
            return call.get(1 + names.index(name), name) if name in names else None

        x = call.tensor(0, "input")
        if x is None or get("return_indices") or call.kwargs.get("return_indices"):
            return None
        kernel = per_dim(get("kernel_size"), rank)
        stride = per_dim(get("stride"), rank) if get("stride") not in (None, [], ()) else kernel
        padding, dilation = per_dim(get("padding") or 0, rank), per_dim(get("dilation") or 1, rank)
        if any(_is_too_much(*one) for one in zip(padding, kernel, strict=True)):
            return None  # torch has its word for that
        windows = zip(x.shape[x.dim() - rank :], kernel, stride, padding, dilation, strict=True)
        if not get("ceil_mode"):
            sizes = [_window(*window) for window in windows]
        elif all(type(one) is int for one in (*kernel, *stride, *padding, *dilation)):
            sizes = [_hanging(*window) for window in windows]
        else:
            return None
        return (*x.shape[: x.dim() - rank], *sizes)

    return rule


def _hanging(size: Size, kernel: int, stride: int, padding: int, dilation: int) -> Size:
    """With ceil_mode the last window may hang over the edge, as long as it begins before it (torch.nn.MaxPool2d)."""
    span = dilation * (kernel - 1) + 1
    windows = (size + 2 * padding - span + stride - 1) // stride + 1
    if padding + stride <= span:
        return windows  # no window begins behind the edge
    fewest: Size = torch.sym_min(windows, (size + padding - 1) // stride + 1)  # type: ignore[no-untyped-call]
    return fewest


def _is_too_much(padding: int, kernel: Size) -> bool:
    """More than half of the kernel, which torch refuses whatever the dilation is (torch.nn.MaxPool2d)."""
    return isinstance(kernel, int) and padding > kernel // 2


def adaptive(rank: int, from_layer: bool) -> Rule:
    def rule(call: Call) -> Shape | None:
        x = call.tensor(0, "input")
        wanted = getattr(call.layer, "output_size", None) if from_layer else call.get(1, "output_size")
        if x is None or wanted is None:
            return None
        target = per_dim(wanted, rank)
        if getattr(call.layer, "return_indices", False) or call.kwargs.get("return_indices"):
            return None
        kept = x.shape[x.dim() - rank :]
        sizes = [old if new is None else new for old, new in zip(kept, target, strict=True)]
        return (*x.shape[: x.dim() - rank], *sizes)

    return rule
