"""Shapes that follow those of the operands: elementwise calls, products with a weight, and joins."""

from __future__ import annotations

from typing import Any

import sympy
import torch
from torch import nn

from convlint.worker.call import Call
from convlint.worker.requirements.products import equation_of
from convlint.worker.shapes.rule import Shape
from convlint.worker.sizes import Size, at_least, equal

_EXTREMES = ("amax", "amin")


def same(call: Call) -> Shape | None:
    x = call.tensor(0, "input")
    return tuple(x.shape) if x is not None and x.is_floating_point() else None


def linear_layer(call: Call) -> Shape | None:
    x = call.tensor(0, "input")
    return (*x.shape[:-1], call.layer.out_features) if x is not None and isinstance(call.layer, nn.Linear) else None


def bilinear_layer(call: Call) -> Shape | None:
    """Two inputs that agree in all dims but the last (torch.nn.Bilinear)."""
    a, b = call.tensor(0, "input1"), call.tensor(1, "input2")
    if a is None or b is None or a.dim() != b.dim() or not isinstance(call.layer, nn.Bilinear):
        return None
    alike = all(equal(one, other) is sympy.true for one, other in zip(a.shape[:-1], b.shape[:-1], strict=True))
    return (*a.shape[:-1], call.layer.out_features) if alike else None


def linear_function(call: Call) -> Shape | None:
    x, weight = call.tensor(0, "input"), call.tensor(1, "weight")
    return (*x.shape[:-1], weight.shape[0]) if x is not None and weight is not None and weight.dim() == 2 else None


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
        merged = _merged([*[1] * (rank - len(result)), *result], [*[1] * (rank - len(shape)), *shape])
        if merged is None:
            return None
        result = merged
    return tuple(result)


def _merged(a: list[Size], b: list[Size]) -> list[Size] | None:
    result: list[Size] = []
    for left, right in zip(a, b, strict=True):
        if isinstance(left, int) and left == 1:
            result.append(right)
        elif (isinstance(right, int) and right == 1) or equal(left, right) is sympy.true:
            result.append(left)
        else:
            return None
    return result


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


def product(call: Call) -> Shape | None:
    """Matrices in the last two dims, the dims before them broadcast (torch.matmul)."""
    a = call.tensor(0, "input")
    b = call.tensor(1, "mat2" if "mat2" in call.kwargs else "other")
    if a is None or b is None or a.dim() < 2 or b.dim() < 2 or a.dtype != b.dtype:
        return None
    if call.target.endswith("bmm") and not a.dim() == b.dim() == 3:
        return None
    rank = max(a.dim(), b.dim())
    fronts = [[*[1] * (rank - x.dim()), *x.shape[:-2]] for x in (a, b)]
    front = _merged(*fronts)
    return (*front, a.shape[-2], b.shape[-1]) if front is not None else None


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


def einstein(call: Call) -> Shape | None:
    """The sizes that the letters behind the arrow stand for (torch.einsum)."""
    equation = equation_of(call)
    if equation is None or equation.result is None:
        return None
    pairs = list(zip(equation.terms, equation.operands, strict=True))
    if any(len(term) != x.dim() for term, x in pairs):
        return None
    sizes: dict[str, Size] = {}
    for term, x in pairs:
        for letter, size in zip(term, x.shape, strict=True):
            if not (isinstance(size, int) and size == 1):
                sizes[letter] = size
            sizes.setdefault(letter, size)
    return tuple(sizes[letter] for letter in equation.result) if set(equation.result) <= set(sizes) else None
