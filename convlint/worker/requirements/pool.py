"""Pooling: rank, and at least one output position in every spatial dim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from convlint.worker.call import Call, Check
from convlint.worker.requirements.rank import has_rank
from convlint.worker.requirements.room import with_room
from convlint.worker.requirements.window import per_dim
from convlint.worker.sizes import Size
from convlint.worker.torch_private.symbols import expr_of

_RANKS = {"1d": 1, "2d": 2, "3d": 3}


@dataclass(frozen=True)
class Window:
    """A sliding window, per spatial dim."""

    kernel: Sequence[Size]
    stride: Sequence[Size]
    padding: Sequence[int]
    dilation: Sequence[int]
    ceil_mode: bool
    is_unpadded: bool = False  # torch's avg_pool3d alone compares the kernel with the input as it came


def check_rank(call: Call, rank: int) -> torch.Tensor | None:
    """The input, if it has the dims that the pool takes: `[B, C, *]` or `[C, *]`."""
    x = call.tensor(0, "input")
    if x is None or has_rank(call, x, x.dim() in (rank + 1, rank + 2), rank + 2):
        return x
    return None


def check_window(call: Call, window: Window) -> None:
    rank = len(window.kernel)
    x = check_rank(call, rank)
    if x is None:
        return
    for i in range(rank):
        dim = x.dim() - rank + i
        span = window.dilation[i] * (window.kernel[i] - 1) + 1
        # ceil_mode lets a last window hang over the edge by less than a stride.
        slack = window.stride[i] - 1 if window.ceil_mode else 0
        least = window.kernel[i] if window.is_unpadded else span - 2 * window.padding[i] - slack
        if isinstance(least, int):
            least = max(1, least)
        x = with_room(call, x, dim, least, f"kernel of {window.kernel[i]}", repaired=span)


def _window(get: Any, rank: int, dilated: bool) -> Window:
    kernel = per_dim(get("kernel_size"), rank)
    stride = get("stride")
    return Window(
        kernel=kernel,
        stride=per_dim(stride, rank) if stride not in (None, [], ()) else kernel,
        padding=per_dim(get("padding") or 0, rank),
        dilation=per_dim(get("dilation") or 1, rank) if dilated else [1] * rank,
        ceil_mode=bool(get("ceil_mode")),
        is_unpadded=rank == 3 and not dilated,
    )


def _layer(rank: int, dilated: bool) -> Check:
    return lambda call: check_window(call, _window(lambda name: getattr(call.layer, name, None), rank, dilated))


_MAX = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
_AVG = ("kernel_size", "stride", "padding", "ceil_mode")


def _functional(rank: int, names: tuple[str, ...]) -> Check:
    def check(call: Call) -> None:
        def get(name: str) -> Any:
            return call.get(1 + names.index(name), name) if name in names else None

        check_window(call, _window(get, rank, "dilation" in names))

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
