"""Shapes behind a window that slides over the last dims: convolutions and pools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from convlint.ops.window import Window, per_dim, windows
from convlint.worker.call import Call
from convlint.worker.shapes.rule import Rule, Shape
from convlint.worker.sizes import Size


def conv_layer(call: Call) -> Shape | None:
    layer: Any = call.layer
    x = call.tensor(0, "input")
    if x is None or len(call.args) + len(call.kwargs) > 1:
        return None
    padding = None if layer.padding == "same" else 0 if layer.padding == "valid" else layer.padding
    moves = None if padding is None else windows(layer.kernel_size, layer.stride, padding, layer.dilation)
    if layer.transposed:
        return _transposed(x, layer.out_channels, moves, layer.output_padding) if moves is not None else None
    return _convolved(x, layer.out_channels, len(layer.kernel_size), moves)


def _convolved(x: torch.Tensor, channels: Size, rank: int, moves: Sequence[Window] | None) -> Shape:
    """No windows where the padding is "same" and the stride 1: then the sizes stay."""
    sizes: list[Size] = list(x.shape[x.dim() - rank :])
    if moves is not None:
        sizes = [window.places(size) for window, size in zip(moves, sizes, strict=True)]
    return (*x.shape[: x.dim() - rank - 1], channels, *sizes)


def _transposed(x: torch.Tensor, channels: Size, moves: Sequence[Window], extra: Sequence[int]) -> Shape:
    spatial = x.shape[x.dim() - len(moves) :]
    sizes = [window.spread(size, more) for window, size, more in zip(moves, spatial, extra, strict=True)]
    return (*x.shape[: x.dim() - len(moves) - 1], channels, *sizes)


def conv_function(rank: int) -> Rule:
    def rule(call: Call) -> Shape | None:
        x, weight = call.tensor(0, "input"), call.tensor(1, "weight")
        padding = call.get(4, "padding", 0)
        if x is None or weight is None or isinstance(padding, str):
            return None
        stride, dilation = call.get(3, "stride", 1), call.get(5, "dilation", 1)
        return _convolved(x, weight.shape[0], rank, windows(weight.shape[2:], stride, padding, dilation))

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
        moves = windows(kernel, get("stride"), get("padding") or 0, get("dilation") or 1, bool(get("ceil_mode")))
        if any(_is_too_much(window.padding, window.kernel) for window in moves):
            return None  # torch has its word for that
        if get("ceil_mode") and not all(_is_plain(window) for window in moves):
            return None
        spatial = x.shape[x.dim() - rank :]
        sizes = [window.places(size, torch.sym_min) for window, size in zip(moves, spatial, strict=True)]
        return (*x.shape[: x.dim() - rank], *sizes)

    return rule


def _is_plain(window: Window) -> bool:
    return all(type(one) is int for one in (window.kernel, window.stride, window.padding, window.dilation))


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
