"""Products of matrices: the dims that are summed over have one size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy
import torch

from convlint.worker.ops.call import Call, Check
from convlint.worker.ops.dtype import check_same_dtype
from convlint.worker.ops.elementwise import broadcast_sizes
from convlint.worker.ops.op import Op, Shape, places
from convlint.worker.values.sizes import Size, broadcasts, equal


def _matmul(call: Call) -> None:
    """`[*, n, k] @ [*, k, m]`, leading dims broadcast (torch.matmul)."""
    _product(call, broadcasts)


def _product(call: Call, fits: Callable[[Size, Size], sympy.Basic]) -> None:
    """Two operands, whose leading dims fit in this way."""
    second = "other" if "other" in call.kwargs else "mat2"
    a, b = call.tensor(0, "input"), call.tensor(1, second)
    if a is None or b is None or a.dim() == 0 or b.dim() == 0:
        return
    check_same_dtype(call, ((0, "input"), (1, second)))
    a, b = call.tensor(0, "input"), call.tensor(1, second)
    assert a is not None
    assert b is not None
    inner = -2 if b.dim() > 1 else -1
    actual, expected = a.shape[-1], b.shape[inner]
    if not call.require(
        "matmul", "input.shape[-1]", equal(actual, expected), actual=actual, expected=expected, value=actual
    ):
        a = call.resized(a, -1, expected)
        call.put(0, "input", a)
    for back in range(3, min(a.dim(), b.dim()) + 1):
        left, right = a.shape[-back], b.shape[-back]
        if not call.require("matmul", f"inputs[1].shape[{-back}]", fits(left, right), actual=right, expected=left):
            b = call.resized(b, -back, left)
            call.put(1, "other", b)


def _of_rank(rank: int) -> Check:
    """Operands that are matrices, or batches of them, and nothing else (torch.mm, torch.bmm)."""

    def check(call: Call) -> None:
        for i, name in enumerate(("input", "mat2")):
            x = call.tensor(i, name)
            if x is not None and x.dim() != rank:
                call.require(
                    "rank", "input.rank" if i == 0 else "inputs[1].rank", sympy.false, actual=x.dim(), expected=rank
                )
                shape = [*x.shape, *[1] * rank][:rank]
                call.put(i, name, call.ledger.fresh(tuple(shape), x))
                call.tainted = True
        if not call.tainted:
            _product(call, equal)
        else:
            a, b = call.tensor(0, "input"), call.tensor(1, "mat2")
            if a is not None and b is not None:
                call.result = call.ledger.fresh((*a.shape[:-1], b.shape[-1]), a)

    return check


@dataclass(frozen=True)
class Equation:
    """What `torch.einsum` is given: the letters of each operand, those of the result where they are written out."""

    text: str
    terms: Sequence[str]
    result: str | None
    operands: list[torch.Tensor]


def equation_of(call: Call) -> Equation | None:
    """None where an ellipsis leaves letters open, or where there are not as many operands as terms."""
    text, rest = call.get(0, "equation"), call.args[1:]
    tensors = list(rest[0]) if len(rest) == 1 and isinstance(rest[0], (list, tuple)) else list(rest)
    if not isinstance(text, str) or "." in text or not all(isinstance(x, torch.Tensor) for x in tensors):
        return None
    left, arrow, right = text.replace(" ", "").partition("->")
    terms = left.split(",")
    return Equation(text, terms, right if arrow else None, tensors) if len(terms) == len(tensors) else None


def _einsum(call: Call) -> None:
    """Each letter stands for one size; a size of 1 broadcasts (torch.einsum)."""
    equation = equation_of(call)
    if equation is None:
        return
    terms, tensors = equation.terms, equation.operands
    sizes: dict[str, Any] = {}
    for i, term in enumerate(terms):
        rank, wanted = tensors[i].dim(), len(term)
        detail = f"`{term}` in {equation.text!r}"
        if rank != wanted:
            call.require("rank", f"inputs[{i}].rank", sympy.false, actual=rank, expected=wanted, detail=detail)
            shape = [*tensors[i].shape, *[1] * wanted][:wanted]
            tensors[i], call.tainted = call.ledger.fresh(tuple(shape), tensors[i]), True
        for dim, letter in enumerate(term):
            actual = tensors[i].shape[dim]
            expected = sizes.setdefault(letter, actual)
            if not call.require(
                "matmul",
                f"inputs[{i}].shape[{dim}]",
                broadcasts(actual, expected),
                actual=actual,
                expected=expected,
                detail=f"`{letter}` in {equation.text!r}",
            ):
                tensors[i] = call.resized(tensors[i], dim, expected)
    call.args[1:] = tensors


def _grouped(call: Call) -> None:
    """`[n, k] @ [g, k, m] -> [n, m]`, a matrix for each group of rows (torch.nn.functional.grouped_mm).

    The fake of it takes bfloat16 alone, as the kernel for one kind of device does.
    """
    a, b, dtype = call.tensor(0, "mat_a"), call.tensor(1, "mat_b"), call.get(4, "out_dtype")
    if a is None or b is None or a.dim() != 2 or b.dim() != 3 or a.dtype != b.dtype or not a.is_floating_point():
        return
    actual, expected = a.shape[1], b.shape[1]
    call.require("matmul", "input.shape[-1]", equal(actual, expected), actual=actual, expected=expected, value=actual)
    call.result = call.ledger.fresh((a.shape[0], b.shape[2]), a, dtype)


def product_shape(call: Call) -> Shape | None:
    """Matrices in the last two dims, the dims before them broadcast (torch.matmul)."""
    a = call.tensor(0, "input")
    b = call.tensor(1, "mat2" if "mat2" in call.kwargs else "other")
    if a is None or b is None or a.dim() < 2 or b.dim() < 2 or a.dtype != b.dtype:
        return None
    if call.target.endswith("bmm") and not a.dim() == b.dim() == 3:
        return None
    rank = max(a.dim(), b.dim())
    fronts = [[*[1] * (rank - x.dim()), *x.shape[:-2]] for x in (a, b)]
    front = broadcast_sizes(*fronts)
    return (*front, a.shape[-2], b.shape[-1]) if front is not None else None


def einstein(call: Call) -> Shape | None:
    """The sizes that the letters after the arrow stand for (torch.einsum)."""
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


OPS = (
    Op(functions=places("matmul"), check=_matmul, shape=product_shape, dims="product", memory="new"),
    Op(functions=("torch.linalg.matmul",), memory="new"),
    Op(functions=("torch.Tensor.__matmul__",), shape=product_shape, dims="product", memory="new"),
    Op(functions=(*places("mm"), "torch.sparse.mm"), check=_of_rank(2)),
    Op(functions=places("bmm"), check=_of_rank(3), shape=product_shape, dims="product", memory="new"),
    Op(functions=("torch.einsum", "torch.functional.einsum"), check=_einsum, shape=einstein),
    Op(functions=("_grouped_mm", "torch.nn.functional.grouped_mm"), check=_grouped),
)
