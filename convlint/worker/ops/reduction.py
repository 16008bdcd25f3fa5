"""Sums, means and extremes over some dims, and one dim repeated."""

from __future__ import annotations

from typing import Any

import sympy

from convlint.worker.ops.call import Call
from convlint.worker.ops.op import Op, Shape, places
from convlint.worker.values.sizes import at_least

_EXTREMES = ("amax", "amin")


def reduced(call: Call) -> Shape | None:
    """The dims that are summed up go, or stay with a size of 1 (torch.mean)."""
    x, dims, keeps = call.tensor(0, "input"), call.get(1, "dim"), call.get(2, "keepdim", False)
    if x is None or not x.is_floating_point() or call.kwargs.keys() - {"dim", "keepdim"} or not isinstance(keeps, bool):
        return None
    gone = _distinct_dims(dims, x.dim())
    if gone is None:
        return None
    if call.target.endswith(_EXTREMES) and not all(at_least(x.shape[dim], 1) is sympy.true for dim in gone):
        return None  # nothing has no largest number: torch says for which sizes that matters
    return tuple(1 if dim in gone else size for dim, size in enumerate(x.shape) if keeps or dim not in gone)


def _distinct_dims(dims: Any, rank: int) -> set[int] | None:
    """One dim or several, counted from the left; None where one is none of a tensor of this rank, or named twice."""
    given = dims if isinstance(dims, (list, tuple)) else [dims]
    if not all(type(dim) is int and -rank <= dim < rank for dim in given):
        return None
    found = {dim % rank for dim in given}
    return found if len(found) == len(given) else None


def repeated(call: Call) -> Shape | None:
    """One dim n times as large (torch.repeat_interleave)."""
    x, times, dim = call.tensor(0, "input"), call.get(1, "repeats"), call.get(2, "dim")
    if x is None or type(times) is not int or type(dim) is not int or times < 1 or not -x.dim() <= dim < x.dim():
        return None
    if call.kwargs.keys() - {"repeats", "dim"}:
        return None
    dim %= x.dim()
    return (*x.shape[:dim], x.shape[dim] * times, *x.shape[dim + 1 :])


OPS = (
    *(
        Op(functions=places(name), shape=reduced, dims="reduced", memory="new")
        for name in ("mean", "sum", "amax", "amin")
    ),
    Op(functions=places("repeat_interleave"), shape=repeated, memory="new"),
)
