"""Operations that bring tensors together: cat, stack, elementwise arithmetic."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import sympy
import torch

from convlint.ops.elementwise import OF_TWO, OPERATORS
from convlint.worker.call import Call, Check
from convlint.worker.sizes import broadcasts, equal
from convlint.worker.torch_private.symbols import expr_of


def _same_shape(call: Call, tensors: list[torch.Tensor], free: int | None) -> list[torch.Tensor]:
    """Bring the tensors to one shape in every dim but `free`, with a need for each dim that differs."""
    first = tensors[0]
    chosen: int | None = None
    for i, x in enumerate(tensors[1:], 1):
        for dim in range(first.dim()):
            if dim == free:
                continue
            a, b = first.shape[dim], x.shape[dim]
            if call.need("concat", f"inputs[{i}].shape[{dim}]", equal(a, b), came=b, needed=a, value=a):
                continue
            chosen = call.ledger.choose(2) if chosen is None else chosen
            if chosen:
                first = call.resized(first, dim, b)
    size = [first.shape[dim] for dim in range(first.dim())]
    return [_fitted(call, x, size, free) for x in tensors]


def _fitted(call: Call, x: torch.Tensor, size: list[Any], free: int | None) -> torch.Tensor:
    wanted = [x.shape[dim] if dim == free else size[dim] for dim in range(x.dim())]
    same = all(equal(a, b) is sympy.true for a, b in zip(x.shape, wanted, strict=True))
    return x if same else call.ledger.fresh(tuple(wanted), x)


def _operands(call: Call) -> list[torch.Tensor] | None:
    """The tensors to join, where they all have one rank; a mismatch of ranks is stated."""
    given = call.get(0, "tensors")
    if not isinstance(given, (list, tuple)) or not all(isinstance(x, torch.Tensor) for x in given):
        return None
    tensors = [x for x in given if not (x.dim() == 1 and x.shape[0] == 0)]  # torch skips the empty vector
    if len(tensors) < 2:
        return None
    odd = next((i for i, x in enumerate(tensors) if x.dim() != tensors[0].dim()), None)
    if odd is None:
        return tensors
    call.need(
        "concat",
        f"inputs[{odd}].rank",
        sympy.false,
        came=f"{tensors[odd].dim()} dims",
        needed=f"{tensors[0].dim()} dims",
    )
    call.result = call.ledger.fresh(tuple(tensors[0].shape), tensors[0])
    call.spoiled = True
    return None


def _concatenate(call: Call) -> None:
    tensors = _operands(call)
    dim = call.get(1, "dim", 0)
    if tensors is None or not isinstance(dim, int) or not -tensors[0].dim() <= dim < tensors[0].dim():
        return
    joined = _same_shape(call, tensors, dim % tensors[0].dim())
    if any(a is not b for a, b in zip(joined, tensors, strict=True)) or call.get(0, "tensors") != tensors:
        call.put(0, "tensors", joined)


def _stack(call: Call) -> None:
    tensors = _operands(call)
    if tensors is not None:
        call.put(0, "tensors", _same_shape(call, tensors, None))


def _elementwise(call: Call) -> None:
    """Operands broadcast from the last dim backwards; an in-place operation keeps the shape of its first."""
    places = [i for i, arg in enumerate(call.args) if isinstance(arg, torch.Tensor)]
    if len(places) > 1:
        in_place = call.target.rsplit(".", 1)[-1].endswith("_") and not call.target.endswith("__")
        _broadcast(call, places[0], places[1], in_place=in_place)


def _chosen(call: Call) -> None:
    """`where(mask, a, b)`: each two of the three broadcast."""
    places = [i for i, arg in enumerate(call.args) if isinstance(arg, torch.Tensor)]
    for i, j in combinations(places, 2):
        _broadcast(call, i, j)


def _broadcast(call: Call, i: int, j: int, *, in_place: bool = False) -> None:
    a, b = call.args[i], call.args[j]
    chosen: int | None = None
    for back in range(1, min(a.dim(), b.dim()) + 1):
        left, right = a.shape[-back], b.shape[-back]
        condition = broadcasts(left, right)
        if in_place:  # the first operand cannot grow
            condition = sympy.Or(equal(left, right), sympy.Eq(expr_of(right), 1))
        if call.need("broadcast", f"inputs[{j}].shape[{-back}]", condition, came=right, needed=left, value=left):
            continue
        chosen = call.ledger.choose(2) if chosen is None and not in_place else chosen or 0
        if chosen:
            a = call.resized(a, -back, right)
        else:
            b = call.resized(b, -back, left)
    call.args[i], call.args[j] = a, b


FUNCTIONS: dict[str, Check] = {
    **dict.fromkeys(("torch.cat", "torch.concat", "torch.concatenate"), _concatenate),
    "torch.stack": _stack,
    **{f"torch.{name}": _elementwise for name in OF_TWO},
    **{f"torch.Tensor.{name}": _elementwise for name in (*OF_TWO, *OPERATORS)},
    **{f"torch.Tensor.{name}_": _elementwise for name in (*OF_TWO, "masked_fill")},
    **dict.fromkeys(("torch.masked_fill", "torch.Tensor.masked_fill"), _elementwise),
    **dict.fromkeys(("torch.where", "torch.Tensor.where"), _chosen),
}
