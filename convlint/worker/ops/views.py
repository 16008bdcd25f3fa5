"""Views of a tensor: their dims and strides, as far as the order of the dims in memory tells them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import torch

from convlint.worker.ops.call import Call
from convlint.worker.values.strides import Strides

Known = Callable[[torch.Tensor], Strides | None]
"""The strides of a tensor, where they are known."""


MOVES: Final = frozenset(
    ("permute", "t", "T", "mT", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "unsqueeze")
)
"""Views that leave nothing out."""


def of_view(call: Call, known: Known) -> Strides | None:
    """The strides of a view that torch made of the call's first operand."""
    x = call.tensor(0, "input")
    strides = known(x) if x is not None else None
    if x is None or strides is None:
        return None
    moved = moved_dims(call, x.dim())
    if moved is not None:
        return Strides(tuple(map(moved.index, strides.order)), frozenset(map(moved.index, strides.loose)))
    return _cut(call, x, strides)


def moved_dims(call: Call, rank: int) -> tuple[int, ...] | None:
    """For each dim of the result, the dim of the operand that it is."""
    return order_of_dims(call.target, call.args, call.kwargs, rank)


def order_of_dims(target: str, args: Sequence[Any], kwargs: Mapping[str, Any], rank: int) -> tuple[int, ...] | None:
    """The same of the function and its arguments."""
    given = list(args[1:])
    dims = _counted_from_left(_flat(given), rank)
    if kwargs or dims is None:
        return None
    match target.rpartition(".")[2]:
        case "permute" if sorted(dims) == list(range(rank)):
            return tuple(dims)
        case "t" | "T" if rank == 2 and not dims:
            return (1, 0)
        case "mT" if not dims:
            return _swapped(rank, rank - 2, rank - 1)
        case "transpose" | "swapaxes" | "swapdims" if len(dims) == 2:
            return _swapped(rank, *dims)
        case "movedim" | "moveaxis" if len(dims) == len(given) == 2 and given == _flat(given):
            return _put(rank, *dims)
        case _:
            return None


def _counted_from_left(dims: Sequence[Any], rank: int) -> list[int] | None:
    """Without negative ones; None where one is not a dim of a tensor of this rank."""
    if not all(type(dim) is int and -rank <= dim < rank for dim in dims):
        return None
    return [dim % rank for dim in dims]


def _swapped(rank: int, one: int, other: int) -> tuple[int, ...]:
    swap = {one: other, other: one}
    return tuple(swap.get(dim, dim) for dim in range(rank))


def _put(rank: int, start: int, goal: int) -> tuple[int, ...]:
    """One dim put elsewhere, the others in their order."""
    dims = [dim for dim in range(rank) if dim != start]
    dims.insert(goal, start)
    return tuple(dims)


def _flat(dims: Iterable[Any]) -> list[Any]:
    return [one for dim in dims for one in (dim if isinstance(dim, (list, tuple)) else [dim])]


def _cut(call: Call, x: torch.Tensor, strides: Strides) -> Strides | None:
    """Pieces of a tensor along some dims, without the dims that an index takes away."""
    match call.target.rpartition(".")[2]:
        case "narrow":
            return _cut_along(call.get(1, "dim"), x.dim(), strides)
        case "chunk" | "split" | "tensor_split":
            return _cut_along(call.get(2, "dim", 0), x.dim(), strides)
        case "select" | "unbind":
            dim = call.get(1, "dim", 0)
            return strides.without([dim % x.dim()]) if isinstance(dim, int) and x.dim() else None
        case "__getitem__" if len(call.args) == 2:
            index = call.args[1] if isinstance(call.args[1], tuple) else (call.args[1],)
            return _indexed(index, x.dim(), strides)
        case "unsqueeze":
            return _unsqueezed(call.get(1, "dim"), x.dim(), strides)
        case _:
            return None


def _cut_along(dim: Any, rank: int, strides: Strides) -> Strides | None:
    """Pieces along one dim; where it is not known, along any."""
    if not rank:
        return None
    return strides.cut([dim % rank] if isinstance(dim, int) else range(rank))


def _unsqueezed(dim: Any, rank: int, strides: Strides) -> Strides | None:
    """A new dim lies right before the one whose place it takes."""
    if not isinstance(dim, int) or not strides.is_dense:
        return None
    dim %= rank + 1
    order = [old + (old >= dim) for old in strides.order]
    order.insert(order.index(dim + 1) if dim < rank else len(order), dim)
    return Strides(tuple(order))


def _indexed(index: tuple[Any, ...], rank: int, strides: Strides) -> Strides | None:
    """Of an index by numbers and slices that go forward."""
    if not all(map(_is_view, index)) or index.count(Ellipsis) > 1:
        return None
    if Ellipsis in index:
        at = index.index(Ellipsis)
        index = (*index[:at], *[slice(None)] * (rank - len(index) + 1), *index[at + 1 :])
    gone = [dim for dim, one in enumerate(index) if isinstance(one, int)]
    cut = [dim for dim, one in enumerate(index) if isinstance(one, slice) and one != slice(None)]
    return strides.cut(cut).without(gone)


def _is_view(index: Any) -> bool:
    """Whether it takes a piece as it is in memory: a number, a slice without a step, or `...`."""
    if isinstance(index, slice):
        return index.step in (None, 1)
    return index is Ellipsis or (isinstance(index, int) and not isinstance(index, bool))
