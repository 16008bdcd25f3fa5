"""Pooling: rank, and at least one output position in every spatial dim."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from convlint.ops.window import Window, per_dim, windows
from convlint.worker.call import Call, Check
from convlint.worker.requirements.rank import has_rank
from convlint.worker.requirements.room import with_room
from convlint.worker.torch_private.symbols import expr_of

Get = Callable[[str], Any]
"""An argument of a pool by its name."""
_RANKS = {"1d": 1, "2d": 2, "3d": 3}


def check_rank(call: Call, rank: int) -> torch.Tensor | None:
    """The input, if it has the dims that the pool takes: `[B, C, *]` or `[C, *]`."""
    x = call.tensor(0, "input")
    if x is None or has_rank(call, x, x.dim() in (rank + 1, rank + 2), rank + 2):
        return x
    return None


def check_windows(call: Call, windows: Sequence[Window], *, is_unpadded: bool = False) -> None:
    """`is_unpadded`: torch's avg_pool3d alone compares the kernel with the input as it came."""
    rank = len(windows)
    x = check_rank(call, rank)
    if x is None:
        return
    for i, window in enumerate(windows):
        least = window.kernel if is_unpadded else window.least
        if isinstance(least, int):
            least = max(1, least)
        x = with_room(call, x, x.dim() - rank + i, least, f"kernel of {window.kernel}", repaired=window.reach)


def _check(call: Call, get: Get, rank: int, *, dilated: bool) -> None:
    kernel, dilation = per_dim(get("kernel_size"), rank), (get("dilation") or 1) if dilated else 1
    moves = windows(kernel, get("stride"), get("padding") or 0, dilation, bool(get("ceil_mode")))
    check_windows(call, moves, is_unpadded=rank == 3 and not dilated)


def _layer(rank: int, dilated: bool) -> Check:
    return lambda call: _check(call, lambda name: getattr(call.layer, name, None), rank, dilated=dilated)


_MAX = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
_AVG = ("kernel_size", "stride", "padding", "ceil_mode")


def _functional(rank: int, names: tuple[str, ...]) -> Check:
    def check(call: Call) -> None:
        def get(name: str) -> Any:
            return call.get(1 + names.index(name), name) if name in names else None

        _check(call, get, rank, dilated="dilation" in names)

    return check


def _adaptive(rank: int) -> Check:
    def check(call: Call) -> None:
        x = check_rank(call, rank)
        if x is None:
            return
        for dim in range(x.dim() - rank, x.dim()):
            if not expr_of(x.shape[dim]).is_Symbol:
                x = with_room(call, x, dim, 1, "something to pool")

    return check


LAYERS: dict[type[nn.Module], Check] = {
    **{kind: _layer(i + 1, True) for i, kind in enumerate((nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d))},
    **{kind: _layer(i + 1, False) for i, kind in enumerate((nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d))},
    **{
        kind: _adaptive(i % 3 + 1)
        for i, kind in enumerate(
            (
                nn.AdaptiveAvgPool1d,
                nn.AdaptiveAvgPool2d,
                nn.AdaptiveAvgPool3d,
                nn.AdaptiveMaxPool1d,
                nn.AdaptiveMaxPool2d,
                nn.AdaptiveMaxPool3d,
            )
        )
    },
}
FUNCTIONS: dict[str, Check] = {
    **{f"torch.nn.functional.max_pool{name}": _functional(rank, _MAX) for name, rank in _RANKS.items()},
    **{f"torch.nn.functional.avg_pool{name}": _functional(rank, _AVG) for name, rank in _RANKS.items()},
    **{f"torch.nn.functional.adaptive_avg_pool{name}": _adaptive(rank) for name, rank in _RANKS.items()},
    **{f"torch.nn.functional.adaptive_max_pool{name}": _adaptive(rank) for name, rank in _RANKS.items()},
}
