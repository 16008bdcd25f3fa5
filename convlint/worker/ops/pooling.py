"""Pools: rank, at least one output place in every spatial dim, and the sizes that come out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from convlint.ops.window import Window, per_dim, windows
from convlint.worker.ops.breakdown import pools
from convlint.worker.ops.breakdown.case import LayerBreakdown, Take
from convlint.worker.ops.call import Call, Check
from convlint.worker.ops.op import CHANNELS, IMAGES, RANKS, Op, ResultMemory, Rule, Shape
from convlint.worker.ops.output_size import check_output_size
from convlint.worker.ops.rank import has_rank
from convlint.worker.ops.room import with_room
from convlint.worker.torch_private.symbols import expr_of
from convlint.worker.values.sizes import Size

Get = Callable[[str], Any]
"""An argument of a pool by its name."""


_MAX = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
_AVG = ("kernel_size", "stride", "padding", "ceil_mode")


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


def _pooled(rank: int, names: tuple[str, ...], from_layer: bool) -> Rule:
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


def _adapted(rank: int, from_layer: bool) -> Rule:
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


def _unpool(call: Call) -> None:
    """`[B, C, *] -> [B, C, *]` (torch.nn.MaxUnpool1d to 3d)."""
    layer: Any = call.layer
    rank = int(type(layer).__name__[-2])
    window = (layer.kernel_size, layer.stride, layer.padding)
    _check_unpool(call, rank, call.get(2, "output_size"), *window)


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


def _functional_unpool(rank: int) -> Check:
    def check(call: Call) -> None:
        kernel, stride = call.get(2, "kernel_size"), call.get(3, "stride")
        _check_unpool(call, rank, call.get(5, "output_size"), kernel, stride or kernel, call.get(4, "padding", 0))

    return check


WINDOWED = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
"""Those whose windows move by a stride."""


_KINDS: tuple[tuple[str, tuple[str, ...], ResultMemory, Take], ...] = (
    ("Max", _MAX, "images", pools.max_pool),
    ("Avg", _AVG, "square-images", pools.avg_pool),
)


def _layers(rank: int) -> tuple[Op, ...]:
    """The layers that pool over so many spatial dims."""
    end, axes = f"{rank}d", IMAGES[rank - 1]
    windowed = (
        Op(
            layers=(getattr(nn, f"{kind}Pool{end}"),),
            check=_layer(rank, kind == "Max"),
            shape=_pooled(rank, names, True),
            axes=axes,
            is_rigid=True,
            keeps=CHANNELS,
            memory=memory,
            breakdown=LayerBreakdown(take, rank),
        )
        for kind, names, memory, take in _KINDS
    )
    adaptive = (
        Op(
            layers=(getattr(nn, f"Adaptive{kind}Pool{end}"),),
            check=_adaptive(rank),
            shape=_adapted(rank, True),
            axes=axes if is_rigid else (),
            is_rigid=is_rigid,
            keeps=CHANNELS,
            is_on_numbers=True,
            memory="square-images",
            breakdown=LayerBreakdown(take, rank),
        )
        for kind, is_rigid, take in (
            ("Avg", rank == 1, pools.adaptive_avg_pool),
            ("Max", False, pools.adaptive_max_pool),
        )
    )
    return (*windowed, *adaptive, Op(layers=(getattr(nn, f"MaxUnpool{end}"),), check=_unpool))


def _functions(rank: int) -> tuple[Op, ...]:
    """The functions that pool over so many spatial dims."""
    owner, end = "torch.nn.functional", f"{rank}d"
    windowed = (
        Op(
            functions=(f"{owner}.{kind.lower()}_pool{end}",),
            check=_functional(rank, names),
            shape=_pooled(rank, names, False),
            keeps=CHANNELS,
            memory=memory,
        )
        for kind, names, memory, _ in _KINDS
    )
    adapted = _adapted(rank, False)
    unchecked = (f"{owner}.max_pool{end}_with_indices", f"torch.max_pool{end}")
    adaptive = (f"{owner}.adaptive_max_pool{end}_with_indices", f"torch.adaptive_max_pool{end}")
    return (
        *windowed,
        Op(functions=unchecked, memory="images"),
        Op(functions=adaptive, memory="square-images"),
        Op(
            functions=(f"{owner}.adaptive_avg_pool{end}",),
            check=_adaptive(rank),
            shape=adapted,
            keeps=CHANNELS,
            is_on_numbers=True,
            memory="square-images",
        ),
        Op(functions=(f"{owner}.adaptive_max_pool{end}",), check=_adaptive(rank), memory="square-images"),
        Op(functions=(f"{owner}.max_unpool{end}",), check=_functional_unpool(rank)),
    )


OPS = tuple(op for rank in RANKS.values() for op in (*_layers(rank), *_functions(rank)))
