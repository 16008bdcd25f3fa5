"""The strides of results, as far as the order of the dims in memory tells them.

Asked about symbolic strides, torch answers with guards. The order of the dims by their strides needs none, and says how
torch lays out the result of most calls: tests hold what is written here against real tensors in every order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import torch

from convlint.ops import elementwise
from convlint.worker.ops.call import Call
from convlint.worker.ops.matmul import equation_of
from convlint.worker.ops.op import Shape
from convlint.worker.ops.regrouping import reshaped
from convlint.worker.values.sizes import Size
from convlint.worker.values.strides import Strides, contiguous

Known = Callable[[torch.Tensor], Strides | None]
"""The strides of a tensor, where they are known."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEW: Final = elementwise.of_memory("new") | _names("""
    Linear linear Bilinear matmul __matmul__ bmm InstanceNorm1d InstanceNorm2d InstanceNorm3d instance_norm LayerNorm
    layer_norm mean sum amax amin Embedding embedding repeat_interleave
""")
"""Their results are new tensors, whatever the strides of their operands are."""
_IMAGES: Final = ("Conv", "conv", "MaxPool", "max_pool", "BatchNorm", "GroupNorm", "group_norm", "batch_norm", "cat")
_MORE_IMAGES: Final = ("Upsampl", "interpolate", "pad", "ZeroPad", "ConstantPad", "ReflectionPad")
_FLAT_IMAGES: Final = ("AvgPool", "avg_pool", "Adaptive", "adaptive_", "Pixel", "pixel_", "Channel", "channel_")
_CHANNELS_LAST: Final = {4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}
_ELEMENTWISE: Final = elementwise.of_memory("as-operand") | frozenset(elementwise.ARITHMETIC)
MOVES: Final = _names("permute t T mT transpose swapaxes swapdims movedim moveaxis unsqueeze")
"""Views that leave nothing out."""
_ALIASES: Final = elementwise.of_memory("alias")
"""May give back what they were given."""


def of_result(call: Call, shape: Shape, known: Known, operands: Sequence[torch.Tensor]) -> Strides | None:
    """The strides of a result that a rule of shapes tells; None where torch must say them."""
    name = call.target.rpartition(".")[2]
    if name in MOVES:
        return of_view(call, known)
    if name == "einsum":
        return contiguous(len(shape)) if _is_product(call) and not _has_ones(x.shape for x in operands) else None
    if name not in _NEW and all(one is not None and one.is_contiguous for one in map(known, operands)):
        return contiguous(len(shape))
    if name in ("flatten", "Flatten", "reshape", "view"):
        strides = None if _has_ones([operands[0].shape, shape]) else known(operands[0])
        return None if strides is None else reshaped(strides, operands[0].shape, shape, copies=name != "view")
    return of_computed(call, len(shape), known, operands)


def of_computed(call: Call, rank: int, known: Known, operands: Sequence[torch.Tensor]) -> Strides | None:
    """The strides of a result, however its shape came about."""
    name = call.target.rpartition(".")[2]
    if name in _NEW:
        return contiguous(rank)
    strides = [known(x) for x in operands]
    if name in _ELEMENTWISE or (name in _ALIASES and all(one is not None and one.is_dense for one in strides)):
        return _elementwise(rank, operands, strides)
    if name.startswith((*_IMAGES, *_MORE_IMAGES, *_FLAT_IMAGES)):
        return _of_images(name, operands, strides)
    return of_view(call, known)


def _is_product(call: Call) -> bool:
    """An equation of two operands whose sums torch makes as one `bmm`, with the result as that gives it."""
    equation = equation_of(call)
    if equation is None or equation.result is None or len(equation.terms) != 2:
        return False
    (left, right), result = equation.terms, equation.result
    if any(len(set(term)) < len(term) for term in equation.terms):
        return False
    common = [letter for letter in left if letter in right]
    rows, columns = _letters_without(left, right), _letters_without(right, left)
    has_sum = any(letter not in result for letter in common)
    return has_sum and list(result) == [one for one in (*common, *rows, *columns) if one in result]


def _letters_without(term: Sequence[str], other: Sequence[str]) -> list[str]:
    """The letters of a term that the other one lacks."""
    return [letter for letter in term if letter not in other]


def _has_ones(shapes: Iterable[Iterable[Size]]) -> bool:
    """Whether a dim is of size 1, whose stride says nothing."""
    return any(isinstance(size, int) and size == 1 for shape in shapes for size in shape)


def _elementwise(rank: int, operands: Sequence[torch.Tensor], strides: Sequence[Strides | None]) -> Strides | None:
    """Those of the first operand (TensorIterator), where it is no smaller one that is broadcast."""
    of_rank = [(x, one) for x, one in zip(operands, strides, strict=True) if x.dim() > 1]
    if not of_rank or any(x.dim() != rank or one is None for x, one in of_rank) or rank < 2:
        return None
    first, one = of_rank[0]
    if one is None or _has_ones([first.shape]):
        return None
    return Strides(one.order)


def _of_images(name: str, operands: Sequence[torch.Tensor], strides: Sequence[Strides | None]) -> Strides | None:
    """Channels that come last stay so (torch.memory_format); what has another order is laid out anew."""
    known = [one for one in strides if one is not None]
    if len(known) < len(strides):
        return None
    if all(one.is_in_order for one in known):
        return contiguous(operands[0].dim())
    orders = {one.order for one in known}
    if len(orders) > 1 or _has_ones(x.shape for x in operands):
        return None
    order = orders.pop()
    if not _keeps_rank(name, len(order)):
        return None
    return Strides(order) if order == _CHANNELS_LAST.get(len(order)) else contiguous(len(order))


def _keeps_rank(name: str, rank: int) -> bool:
    """Whether torch computes on a tensor as it is, and adds no batch or other dim that it takes away again."""
    has_batch = not name.endswith("d") or name[-2] == str(rank - 2)
    return has_batch and (rank == 4 or not name.startswith(_FLAT_IMAGES))


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
    """Without negative ones; None where one is no dim of a tensor of this rank."""
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
    """Whether it takes a piece as it lies in memory: a number, a slice without a step, or `...`."""
    if isinstance(index, slice):
        return index.step in (None, 1)
    return index is Ellipsis or (isinstance(index, int) and not isinstance(index, bool))
