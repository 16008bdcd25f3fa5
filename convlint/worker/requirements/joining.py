"""Operations that bring tensors together: cat, stack, elementwise arithmetic, matmul, einsum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
import torch

from convlint.worker.call import Call, Check
from convlint.worker.sizes import broadcasts, equal
from convlint.worker.torch_private import expr_of


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
    if len(places) < 2:
        return
    in_place = call.target.rsplit(".", 1)[-1].endswith("_") and not call.target.endswith("__")
    a, b = (call.args[i] for i in places[:2])
    chosen: int | None = None
    for back in range(1, min(a.dim(), b.dim()) + 1):
        left, right = a.shape[-back], b.shape[-back]
        condition = broadcasts(left, right)
        if in_place:  # the first operand cannot grow
            condition = sympy.Or(equal(left, right), sympy.Eq(expr_of(right), 1))
        if call.need("broadcast", f"inputs[1].shape[{-back}]", condition, came=right, needed=left, value=left):
            continue
        chosen = call.ledger.choose(2) if chosen is None and not in_place else chosen or 0
        if chosen:
            a = call.resized(a, -back, right)
        else:
            b = call.resized(b, -back, left)
    call.args[places[0]], call.args[places[1]] = a, b


def _matmul(call: Call) -> None:
    """`[*, n, k] @ [*, k, m]`, leading dims broadcast (torch.matmul)."""
    a, b = (
        call.tensor(0, "input"),
        call.tensor(1, "other" if len(call.args) < 2 and "other" in call.kwargs else "mat2"),
    )
    if a is None or b is None or a.dim() == 0 or b.dim() == 0:
        return
    inner = -2 if b.dim() > 1 else -1
    came, needed = a.shape[-1], b.shape[inner]
    if not call.need("matmul", "input.shape[-1]", equal(came, needed), came=came, needed=needed, value=came):
        a = call.resized(a, -1, needed)
        call.put(0, "input", a)
    for back in range(3, min(a.dim(), b.dim()) + 1):
        left, right = a.shape[-back], b.shape[-back]
        if not call.need("matmul", f"inputs[1].shape[{-back}]", broadcasts(left, right), came=right, needed=left):
            b = call.resized(b, -back, left)
            call.put(1, "other", b)


def _einsum(call: Call) -> None:
    """Each letter stands for one size; a size of 1 broadcasts (torch.einsum)."""
    equation = call.get(0, "equation")
    rest = call.args[1:]
    tensors = list(rest[0]) if len(rest) == 1 and isinstance(rest[0], (list, tuple)) else list(rest)
    if not isinstance(equation, str) or "." in equation or not all(isinstance(x, torch.Tensor) for x in tensors):
        return
    terms = equation.replace(" ", "").split("->")[0].split(",")
    if len(terms) != len(tensors):
        return
    sizes: dict[str, Any] = {}
    for i, term in enumerate(terms):
        rank, wanted = tensors[i].dim(), len(term)
        detail = f"`{term}` in {equation!r}"
        if rank != wanted:
            call.need("rank", f"inputs[{i}].rank", sympy.false, came=rank, needed=wanted, detail=detail)
            shape = [*tensors[i].shape, *[1] * wanted][:wanted]
            tensors[i], call.spoiled = call.ledger.fresh(tuple(shape), tensors[i]), True
        for dim, letter in enumerate(term):
            came = tensors[i].shape[dim]
            needed = sizes.setdefault(letter, came)
            if not call.need(
                "matmul",
                f"inputs[{i}].shape[{dim}]",
                broadcasts(came, needed),
                came=came,
                needed=needed,
                detail=f"`{letter}` in {equation!r}",
            ):
                tensors[i] = call.resized(tensors[i], dim, needed)
    call.args[1:] = tensors


_ELEMENTWISE: Sequence[str] = [
    "add",
    "sub",
    "mul",
    "div",
    "true_divide",
    "floor_divide",
    "fmod",
    "remainder",
    "pow",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "atan2",
    "hypot",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "logical_and",
    "logical_or",
    "logical_xor",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
]
_DUNDERS: Sequence[str] = [
    "__rsub__",
    "__rdiv__",
    "__rpow__",
    "__and__",
    "__or__",
    "__xor__",
    "__iadd__",
    "__imul__",
]

FUNCTIONS: dict[str, Check] = {
    **dict.fromkeys(("torch.cat", "torch.concat", "torch.concatenate"), _concatenate),
    "torch.stack": _stack,
    **dict.fromkeys(
        (
            "torch.matmul",
            "torch.Tensor.matmul",
            "torch.mm",
            "torch.spmm",
            "torch.sparse.mm",
            "torch.Tensor.mm",
            "torch.bmm",
            "torch.Tensor.bmm",
        ),
        _matmul,
    ),
    **dict.fromkeys(("torch.einsum", "torch.functional.einsum"), _einsum),
    **{f"torch.{name}": _elementwise for name in _ELEMENTWISE},
    **{f"torch.Tensor.{name}": _elementwise for name in (*_ELEMENTWISE, *_DUNDERS)},
    **{f"torch.Tensor.{name}_": _elementwise for name in _ELEMENTWISE},
}
