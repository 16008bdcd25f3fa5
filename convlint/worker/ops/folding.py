"""Windows of images laid out as columns, and columns put together again."""

from __future__ import annotations

import math
from typing import Any

from torch import nn

from convlint.ops.window import Window, per_dim, windows
from convlint.worker.ops.call import Call
from convlint.worker.ops.op import Op, Shape
from convlint.worker.ops.rank import has_rank
from convlint.worker.ops.room import with_room
from convlint.worker.values.sizes import divides, equal, product

_OF_UNFOLD = ("kernel_size", "dilation", "padding", "stride")
_OF_FOLD = ("output_size", *_OF_UNFOLD)


def _windows(call: Call, names: tuple[str, ...]) -> tuple[Window, ...] | None:
    """Those over height and width; None where an argument is not a whole number."""
    defaults: dict[str, Any] = {"dilation": 1, "padding": 0, "stride": 1}
    given = {name: call.option(i, name, defaults.get(name)) for i, name in enumerate(names, 1)}
    numbers = {name: per_dim(given[name], 2) for name in _OF_UNFOLD}
    if not all(type(number) is int for pair in numbers.values() for number in pair):
        return None
    return windows(numbers["kernel_size"], numbers["stride"], numbers["padding"], numbers["dilation"])


def _check_unfold(call: Call) -> None:
    """`[B, C, H, W]` or `[C, H, W]`, with room for a window (torch.nn.Unfold)."""
    x, moves = call.tensor(0, "input"), _windows(call, _OF_UNFOLD)
    if x is None or moves is None or not has_rank(call, x, x.dim() in (3, 4), 4):
        return
    for dim, window in zip((-2, -1), moves, strict=True):
        x = with_room(call, x, x.dim() + dim, max(1, window.least), f"kernel of {window.kernel}", repaired=window.reach)


def _unfolded(call: Call) -> Shape | None:
    """`[B, C, H, W] -> [B, C * window, places]` (torch.nn.Unfold)."""
    x, moves = call.tensor(0, "input"), _windows(call, _OF_UNFOLD)
    if x is None or moves is None or x.dim() not in (3, 4):
        return None
    places = product(window.places(size) for window, size in zip(moves, x.shape[-2:], strict=True))
    return (*x.shape[:-3], x.shape[-3] * math.prod(window.kernel for window in moves), places)


def _check_fold(call: Call) -> None:
    """`[B, C * window, places]` or without the batch (torch.nn.Fold)."""
    x, moves, wanted = call.tensor(0, "input"), _windows(call, _OF_FOLD), _output_size(call)
    if x is None or moves is None or wanted is None or not has_rank(call, x, x.dim() in (2, 3), 3):
        return
    parts = math.prod(window.kernel for window in moves)
    actual = x.shape[-2]
    if not call.require("divisible", "input.shape[-2]", divides(parts, actual), actual=actual, expected=parts):
        x = call.resized(x, -2, max(actual // parts, 1) * parts if isinstance(actual, int) else actual // parts * parts)
        call.put(0, "input", x)
        call.tainted = True
    places = math.prod(window.places(size) for window, size in zip(moves, wanted, strict=True))
    actual = x.shape[-1]
    if not call.require("elements", "input.shape[-1]", equal(actual, places), actual=actual, expected=places):
        call.put(0, "input", call.resized(x, -1, places))
        call.tainted = True


def _folded(call: Call) -> Shape | None:
    x, moves, wanted = call.tensor(0, "input"), _windows(call, _OF_FOLD), _output_size(call)
    if x is None or moves is None or wanted is None or x.dim() not in (2, 3):
        return None
    return (*x.shape[:-2], x.shape[-2] // math.prod(window.kernel for window in moves), *wanted)


def _output_size(call: Call) -> list[int] | None:
    wanted = per_dim(call.option(1, "output_size"), 2)
    return wanted if all(type(size) is int for size in wanted) else None


OPS = (
    Op(layers=(nn.Unfold,), functions=("torch.nn.functional.unfold",), check=_check_unfold, shape=_unfolded),
    Op(layers=(nn.Fold,), functions=("torch.nn.functional.fold",), check=_check_fold, shape=_folded),
)
