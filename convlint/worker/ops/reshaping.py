"""view, reshape, unflatten, flatten: the elements must fit, and the batch must stay the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
import torch
from torch import nn

from convlint.worker.ops.call import Call, shape_text
from convlint.worker.ops.op import Op, Shape, places
from convlint.worker.values.sizes import Size, at_least, divides, equal, product

_HOLE = 8  # the size of a -1 that has none


def reshape_to(call: Call, x: torch.Tensor, target: Sequence[Size]) -> None:
    """State what `x.view(target)` needs; `target` may hold one -1."""
    shape = list(x.shape)
    holes = [i for i, size in enumerate(target) if isinstance(size, int) and size == -1]
    if len(holes) > 1 or any(isinstance(size, int) and size == 0 for size in [*shape, *target]):
        return  # torch has its own words for these
    has_batch = bool(shape) and call.ledger.is_batch(shape[0])
    if not holes:
        _exactly(call, x, target, has_batch)
    elif holes == [0] and len(target) > 1 and has_batch:
        _batch_inferred(call, x, target)
    else:
        _one_inferred(call, x, target, holes[0], has_batch)


def _without_batch(call: Call, shape: Sequence[Size], target: Sequence[Size], has_batch: bool) -> tuple[Size, Size]:
    """Elements of input and target, without the batch where both begin with it."""
    if has_batch and target and call.ledger.is_batch(target[0]):
        shape, target = shape[1:], target[1:]
    known = [size for size in target if not (isinstance(size, int) and size == -1)]
    return product(shape), product(known)


def _exactly(call: Call, x: torch.Tensor, target: Sequence[Size], has_batch: bool) -> None:
    actual, expected = _without_batch(call, x.shape, target, has_batch)
    if not call.require(
        "elements",
        "input.elements",
        equal(actual, expected),
        actual=actual,
        expected=expected,
        value=actual,
        detail=f"{shape_text(x.shape)} into {shape_text(tuple(target))}",
    ):
        call.result = call.ledger.fresh(tuple(target), x)


def _one_inferred(call: Call, x: torch.Tensor, target: Sequence[Size], hole: int, has_batch: bool) -> None:
    actual, known = _without_batch(call, x.shape, target, has_batch)
    if not call.require(
        "elements",
        "input.elements",
        divides(known, actual),
        actual=actual,
        expected=known,
        value=actual,
        detail=f"{shape_text(x.shape)} into {shape_text(tuple(target))}",
    ):
        rest = call.ledger.unknown(_HOLE)
        call.result = call.ledger.fresh(tuple(rest if i == hole else size for i, size in enumerate(target)), x)


def _batch_inferred(call: Call, x: torch.Tensor, target: Sequence[Size]) -> None:
    """`x.view(-1, 400)`: meant to flatten, but the -1 takes whatever batch comes out."""
    shape, rest = list(x.shape), list(target[1:])
    actual, expected = product(shape[1:]), product(rest)
    if _is_merge(shape, expected) or _is_regrouped(shape, rest):
        return
    fits, condition = divides(expected, actual), equal(actual, expected)
    if fits is sympy.true:
        # Groups or boxes cut out of the features: the batch may well be meant to grow.
        condition = sympy.true if len(rest) > 1 else sympy.Or(condition, at_least(shape[-1], expected))
    if not call.require(
        "batch",
        "input.elements",
        condition,
        actual=actual,
        expected=expected,
        value=actual,
        detail=f"{shape_text(x.shape)} into {shape_text(tuple(target))}",
    ):
        if fits is sympy.true and call.ledger.choose(2):
            return  # let the batch grow, as torch does
        call.result = call.ledger.fresh((shape[0], *rest), x)


def _is_merge(shape: Sequence[Size], expected: Size) -> bool:
    """The target keeps whole trailing dims and merges the others into the batch: `[B, L, C] -> [B*L, C]`."""
    return any(equal(product(shape[i:]), expected) is sympy.true for i in range(2, len(shape)))


def _is_regrouped(shape: Sequence[Size], rest: Sequence[Size]) -> bool:
    """A known number of rows is put together: codebooks `[8, L] -> [2, 4, L]`, patches `[8, C] -> [2, 4*C]`."""
    row = product(shape[1:])
    is_whole = isinstance(shape[0], int) and divides(row, product(rest)) is sympy.true
    if not is_whole or divides(product(rest), product(shape)) is not sympy.true:
        return False
    kept = len(shape) - 1
    is_same = all(equal(old, new) is sympy.true for old, new in zip(shape[1:], rest[-kept:], strict=False))
    return kept == 1 or (len(rest) > kept and is_same)


def _method(call: Call) -> None:
    x, rest = call.tensor(0, "input"), list(call.args[1:])
    if x is None:
        return
    if not rest:
        given = call.kwargs.get("shape", call.kwargs.get("size"))
    else:
        given = rest[0] if len(rest) == 1 and isinstance(rest[0], (list, tuple, torch.Size)) else rest
    if isinstance(given, (list, tuple)) and given and all(isinstance(s, (int, torch.SymInt)) for s in given):
        reshape_to(call, x, tuple(given))


def _unflatten(call: Call) -> None:
    sizes = call.option(2, "sizes" if call.layer is None else "unflattened_size")
    _unflatten_dim(call, call.tensor(0, "input"), call.option(1, "dim"), sizes)


def _unflatten_dim(call: Call, x: torch.Tensor | None, dim: Any, sizes: Any) -> None:
    if x is None or not isinstance(dim, int) or not -x.dim() <= dim < x.dim():
        return
    if not isinstance(sizes, (list, tuple)) or not _are_sizes(sizes):
        return
    dim %= x.dim()
    known = product(size for size in sizes if not _is_open(size))
    has_hole = any(map(_is_open, sizes))
    condition = divides(known, x.shape[dim]) if has_hole else equal(x.shape[dim], known)
    if not call.require(
        "elements", f"input.shape[{dim}]", condition, actual=x.shape[dim], expected=known, value=x.shape[dim]
    ):
        rest = call.ledger.unknown(_HOLE)
        filled = [rest if _is_open(size) else size for size in sizes]
        call.result = call.ledger.fresh((*x.shape[:dim], *filled, *x.shape[dim + 1 :]), x)


def flattened(call: Call) -> Shape | None:
    x = call.tensor(0, "input")
    start, end = call.option(1, "start_dim", 0), call.option(2, "end_dim", -1)
    if x is None or x.dim() == 0 or not isinstance(start, int) or not isinstance(end, int):
        return None
    start, end = start % x.dim(), end % x.dim()
    if start >= end:
        return tuple(x.shape) if start == end else None
    return (*x.shape[:start], product(x.shape[start : end + 1]), *x.shape[end + 1 :])


def unflattened(call: Call) -> Shape | None:
    """One dim taken apart; a -1 stands for what the other sizes leave (torch.unflatten)."""
    layer: Any = call.layer
    x = call.tensor(0, "input")
    dim, sizes = (
        (layer.dim, layer.unflattened_size) if layer is not None else (call.get(1, "dim"), call.get(2, "sizes"))
    )
    if x is None or type(dim) is not int or not isinstance(sizes, (list, tuple)) or not -x.dim() <= dim < x.dim():
        return None
    dim %= x.dim()
    filled = _filled(sizes, x.shape[dim]) if _are_sizes(sizes) else None
    return (*x.shape[:dim], *filled, *x.shape[dim + 1 :]) if filled is not None else None


def _filled(sizes: Sequence[Size], whole: Size) -> list[Size] | None:
    """With what the others leave of the whole in the place of a -1."""
    known = [size for size in sizes if not _is_open(size)]
    if len(known) < len(sizes) - 1 or any(isinstance(size, int) and size < 1 for size in known):
        return None
    rest = whole // product(known)
    return [rest if _is_open(size) else size for size in sizes]


def _are_sizes(given: Sequence[Any]) -> bool:
    return all(isinstance(size, (int, torch.SymInt)) for size in given)


def _is_open(size: Size) -> bool:
    """A -1, for what the other sizes leave; a symbol is never asked."""
    return isinstance(size, int) and size == -1


def viewed(call: Call) -> Shape | None:
    """A target with one -1 whose size is a plain quotient."""
    x, target = call.tensor(0, "input"), _target(call)
    if x is None or call.kwargs or not target:
        return None
    known = [size for size in target if not _is_open(size)]
    if len(known) < len(target) - 1 or any(isinstance(size, int) and size == 0 for size in target):
        return None
    if len(known) == len(target):
        return target
    shape, known = _cancelled(list(x.shape), known)
    inferred = product(shape) // product(known) if known else product(shape)
    return tuple(inferred if _is_open(size) else size for size in target)


def _target(call: Call) -> Shape | None:
    """The sizes that a view is given, one by one or together."""
    rest = call.args[1:]
    given = rest[0] if len(rest) == 1 and isinstance(rest[0], (list, tuple, torch.Size)) else rest
    return tuple(given) if _are_sizes(given) else None


def _cancelled(shape: list[Size], target: list[Size]) -> tuple[list[Size], list[Size]]:
    """Both without the sizes that they share, so that a quotient stays simple."""
    for size in list(target):
        twin = next((i for i, own in enumerate(shape) if equal(own, size) is sympy.true), None)
        if twin is not None:
            del shape[twin]
            target.remove(size)
    return shape, target


OPS = (
    Op(functions=("torch.Tensor.view", *places("reshape")), check=_method, shape=viewed, dims="regrouped"),
    Op(functions=places("unflatten"), check=_unflatten, shape=unflattened, dims="regrouped"),
    Op(layers=(nn.Unflatten,), check=_unflatten, shape=unflattened, dims="regrouped"),
    Op(layers=(nn.Flatten,), shape=flattened, dims="regrouped"),
    Op(functions=places("flatten"), shape=flattened, dims="regrouped"),
    Op(functions=places("squeeze"), dims="regrouped"),
    *(Op(functions=places(name), dims="kept") for name in ("chunk", "split", "tensor_split")),
    Op(functions=("torch.functional.split",), dims="kept"),
    *(Op(functions=places(name), dims="taken") for name in ("select", "unbind")),
    *(Op(functions=(f"torch.Tensor.{name}",), dims="as-other") for name in ("view_as", "reshape_as", "expand_as")),
    Op(functions=("torch.Tensor.expand",), dims="expanded"),
    Op(functions=("torch.Tensor.__getitem__",), dims="indexed"),
)
