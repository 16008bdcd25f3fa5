"""Functions of each number for itself, and of several tensors that are aligned from the last dim."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import sympy
import torch
from torch import nn

from convlint.ops import elementwise
from convlint.worker.ops.call import Call
from convlint.worker.ops.op import BOTH, EVERYWHERE, Op, Shape, places, same
from convlint.worker.torch_private.symbols import expr_of
from convlint.worker.values.sizes import Size, broadcasts, equal


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
        if call.require("broadcast", f"inputs[{j}].shape[{-back}]", condition, actual=right, expected=left, value=left):
            continue
        chosen = call.ledger.choose(2) if chosen is None and not in_place else chosen or 0
        if chosen:
            a = call.resized(a, -back, right)
        else:
            b = call.resized(b, -back, left)
    call.args[i], call.args[j] = a, b


def broadcast(call: Call) -> Shape | None:
    """Operands aligned from the last dim, a size of 1 gives way (torch.broadcast_shapes)."""
    operands = [arg for arg in call.args if isinstance(arg, torch.Tensor)]
    numeric = [x for x in operands if x.dtype is not torch.bool]
    if not numeric or any(not x.is_floating_point() for x in numeric) or call.kwargs.keys() - {"alpha", "value"}:
        return None
    result: list[Size] = []
    for x in operands:
        shape: list[Size] = list(x.shape)
        rank = max(len(result), len(shape))
        merged = broadcast_sizes([*[1] * (rank - len(result)), *result], [*[1] * (rank - len(shape)), *shape])
        if merged is None:
            return None
        result = merged
    return tuple(result)


def broadcast_sizes(a: list[Size], b: list[Size]) -> list[Size] | None:
    result: list[Size] = []
    for left, right in zip(a, b, strict=True):
        if isinstance(left, int) and left == 1:
            result.append(right)
        elif (isinstance(right, int) and right == 1) or equal(left, right) is sympy.true:
            result.append(left)
        else:
            return None
    return result


def _of_one(one: elementwise.Elementwise) -> Iterator[Op]:
    """The layers and the function of one tensor, each for itself."""
    layers = tuple(getattr(nn, name) for name in one.layers if name != "PReLU")
    functions = () if one.function is None else places(one.function, EVERYWHERE)
    yield Op(layers=layers, functions=functions, shape=same, keeps=BOTH, memory=one.memory)


def _of_two(name: str) -> tuple[Op, ...]:
    """A function of two or three tensors, and the method that writes its result into the first."""
    check = _elementwise if name in elementwise.OF_TWO else None
    is_arithmetic = name in elementwise.ARITHMETIC
    return (
        Op(
            functions=places(name),
            check=check,
            shape=broadcast if is_arithmetic else None,
            dims="broadcast" if is_arithmetic else None,
            memory="as-operand" if is_arithmetic else None,
        ),
        Op(functions=(f"torch.Tensor.{name}_",), check=check, shape=same if is_arithmetic else None, keeps=BOTH),
    )


OPS = (
    Op(layers=(nn.Identity,), keeps=BOTH),
    *(op for one in elementwise.UNARY for op in _of_one(one)),
    Op(functions=("torch.special.softmax", "torch.special.log_softmax"), memory="new"),
    Op(functions=places("normalize", EVERYWHERE), shape=same, keeps=BOTH),
    *(Op(functions=places(f"{name}_", EVERYWHERE), shape=same, keeps=BOTH) for name in sorted(elementwise.in_place())),
    *(op for name in sorted({*elementwise.OF_TWO, *elementwise.ARITHMETIC}) for op in _of_two(name)),
    Op(functions=tuple(f"torch.Tensor.{name}" for name in elementwise.OPERATORS), check=_elementwise),
    Op(functions=places("masked_fill"), check=_elementwise, dims="kept"),
    Op(functions=("torch.Tensor.masked_fill_",), check=_elementwise),
    *(Op(functions=places(name), dims="kept") for name in ("roll", "tril", "triu")),
    *(Op(functions=(f"torch.Tensor.{name}",), dims="kept") for name in ("to", "type_as")),
    Op(functions=places("where"), check=_chosen),
)
