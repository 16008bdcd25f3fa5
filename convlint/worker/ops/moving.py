"""Dims in another order, or a new one of size 1."""

from __future__ import annotations

from convlint.worker.ops.call import Call
from convlint.worker.ops.op import Op, Shape, places
from convlint.worker.ops.views import MOVES, moved_dims


def moved(call: Call) -> Shape | None:
    """The same dims in another order, or with a new one of size 1."""
    x = call.tensor(0, "input")
    dims = moved_dims(call, x.dim()) if x is not None else None
    if x is None or (dims is None and not call.target.endswith("unsqueeze")):
        return None
    if dims is not None:
        return tuple(x.shape[dim] for dim in dims)
    dim = call.get(1, "dim")
    if type(dim) is not int or not -x.dim() <= dim + 1 <= x.dim() + 1:
        return None
    dim %= x.dim() + 1
    return (*x.shape[:dim], 1, *x.shape[dim:])


OPS = tuple(
    Op(functions=places(name), shape=moved, dims="regrouped" if name == "unsqueeze" else "moved")
    for name in sorted(MOVES)
)
