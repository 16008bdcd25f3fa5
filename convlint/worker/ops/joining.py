"""cat and stack: the tensors are alike in every other dim."""

from __future__ import annotations

from typing import Any

import sympy
import torch

from convlint.worker.ops.call import Call
from convlint.worker.ops.op import Op, Shape
from convlint.worker.values.sizes import equal


def _same_shape(call: Call, tensors: list[torch.Tensor], free: int | None) -> list[torch.Tensor]:
    """Bring the tensors to one shape in every dim but `free`, with a requirement for each dim that differs."""
    first = tensors[0]
    chosen: int | None = None
    for i, x in enumerate(tensors[1:], 1):
        for dim in range(first.dim()):
            if dim == free:
                continue
            a, b = first.shape[dim], x.shape[dim]
            if call.require("concat", f"inputs[{i}].shape[{dim}]", equal(a, b), actual=b, expected=a, value=a):
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
    call.require(
        "concat",
        f"inputs[{odd}].rank",
        sympy.false,
        actual=f"{tensors[odd].dim()} dims",
        expected=f"{tensors[0].dim()} dims",
    )
    call.result = call.ledger.fresh(tuple(tensors[0].shape), tensors[0])
    call.tainted = True
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


def concatenated(call: Call) -> Shape | None:
    tensors, dim = call.get(0, "tensors"), call.get(1, "dim", 0)
    if not isinstance(tensors, (list, tuple)) or not tensors or not isinstance(dim, int):
        return None
    first = tensors[0]
    if any(x.dim() != first.dim() or x.dtype != first.dtype for x in tensors) or first.dim() == 0:
        return None
    shape = list(first.shape)
    dim %= len(shape)
    for x in tensors[1:]:
        if any(i != dim and equal(a, b) is not sympy.true for i, (a, b) in enumerate(zip(shape, x.shape, strict=True))):
            return None
        shape[dim] = shape[dim] + x.shape[dim]
    return tuple(shape)


OPS = (
    Op(
        functions=("torch.cat", "torch.concat", "torch.concatenate"),
        check=_concatenate,
        shape=concatenated,
        dims="joined",
        memory="images",
    ),
    Op(functions=("torch.stack",), check=_stack),
)
