"""Layers that are told the size of their result: it must be one of those that the window can have come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
import torch
from torch import nn

from convlint.ops.window import per_dim, windows
from convlint.worker.call import Call, Check
from convlint.worker.sizes import Size, at_least

_RANKS = {"1d": 1, "2d": 2, "3d": 3}


def check_output_size(call: Call, x: torch.Tensor, wanted: Any, least: Sequence[Size], most: Sequence[Size]) -> bool:
    """State that each of the wanted sizes lies in its range; true where all do, in this trace."""
    sizes = list(wanted)[-len(least) :]
    fits = True
    for i, (size, low, high) in enumerate(zip(sizes, least, most, strict=True)):
        condition = sympy.And(at_least(size, low), at_least(high, size))
        operand = f"input.shape[{x.dim() - len(least) + i}]"
        fits &= call.need("output_size", operand, condition, came=size, needed=low, detail=f"{low} to {high}")
    return fits


def _unpool(call: Call) -> None:
    """`[B, C, *] -> [B, C, *]` (torch.nn.MaxUnpool1d to 3d)."""
    layer: Any = call.layer
    rank = int(type(layer).__name__[-2])
    window = (layer.kernel_size, layer.stride, layer.padding)
    _check_unpool(call, rank, call.get(2, "output_size"), *window)


def _functional(rank: int) -> Check:
    def check(call: Call) -> None:
        kernel, stride = call.get(2, "kernel_size"), call.get(3, "stride")
        _check_unpool(call, rank, call.get(5, "output_size"), kernel, stride or kernel, call.get(4, "padding", 0))

    return check


def _check_unpool(call: Call, rank: int, wanted: Any, kernel: Any, stride: Any, padding: Any) -> None:
    x, indices = call.tensor(0, "input"), call.tensor(1, "indices")
    if x is None or indices is None or x.dim() not in (rank + 1, rank + 2) or list(x.shape) != list(indices.shape):
        return
    moves = windows(per_dim(kernel, rank), stride, padding)
    usual = [window.spread(size) for window, size in zip(moves, x.shape[x.dim() - rank :], strict=True)]
    if wanted is not None:
        least = [size - window.stride + 1 for size, window in zip(usual, moves, strict=True)]
        most = [size + window.stride - 1 for size, window in zip(usual, moves, strict=True)]
        check_output_size(call, x, wanted, least, most)
        usual = list(wanted)[-rank:]
    call.result = call.ledger.fresh((*x.shape[: x.dim() - rank], *usual), x)


LAYERS: dict[type[nn.Module], Check] = dict.fromkeys((nn.MaxUnpool1d, nn.MaxUnpool2d, nn.MaxUnpool3d), _unpool)
FUNCTIONS: dict[str, Check] = {
    f"torch.nn.functional.max_unpool{name}": _functional(rank) for name, rank in _RANKS.items()
}
