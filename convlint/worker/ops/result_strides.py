"""The strides of results, as far as the order of the dims in memory tells them.

Asked about symbolic strides, torch answers with guards. The order of the dims by their strides needs none, and says how
torch lays out the result of most calls: tests hold what is declared of operators against real tensors in every order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import torch

from convlint.worker.ops.call import Call
from convlint.worker.ops.matmul import equation_of
from convlint.worker.ops.op import ResultMemory, Shape
from convlint.worker.ops.registry import op_of_call
from convlint.worker.ops.regrouping import reshaped
from convlint.worker.ops.views import MOVES, Known, of_view
from convlint.worker.values.sizes import Size
from convlint.worker.values.strides import Strides, contiguous

_CHANNELS_LAST: Final = {4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}


def of_result(call: Call, shape: Shape, known: Known, operands: Sequence[torch.Tensor]) -> Strides | None:
    """The strides of a result that a rule of shapes tells; None where torch must say them."""
    name = call.target.rpartition(".")[2]
    if name in MOVES:
        return of_view(call, known)
    if name == "einsum":
        return contiguous(len(shape)) if _is_product(call) and not _has_ones(x.shape for x in operands) else None
    if _memory_of(call) != "new" and all(one is not None and one.is_contiguous for one in map(known, operands)):
        return contiguous(len(shape))
    if name in ("flatten", "Flatten", "reshape", "view"):
        strides = None if _has_ones([operands[0].shape, shape]) else known(operands[0])
        return None if strides is None else reshaped(strides, operands[0].shape, shape, copies=name != "view")
    return of_computed(call, len(shape), known, operands)


def of_computed(call: Call, rank: int, known: Known, operands: Sequence[torch.Tensor]) -> Strides | None:
    """The strides of a result, however its shape came about."""
    memory = _memory_of(call)
    if memory == "new":
        return contiguous(rank)
    strides = [known(x) for x in operands]
    if memory in ("images", "square-images"):
        return _of_images(call, memory, operands, strides)
    is_dense = all(one is not None and one.is_dense for one in strides)
    if memory == "as-operand" or (memory == "alias" and is_dense):
        return _elementwise(rank, operands, strides)
    return of_view(call, known)


def _memory_of(call: Call) -> ResultMemory | None:
    op = op_of_call(call)
    return op.memory if op is not None else None


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


def _of_images(
    call: Call, memory: ResultMemory | None, operands: Sequence[torch.Tensor], strides: Sequence[Strides | None]
) -> Strides | None:
    """Channels that come last stay so (torch.memory_format); what has another order is laid out again."""
    known = [one for one in strides if one is not None]
    if len(known) < len(strides):
        return None
    if all(one.is_in_order for one in known):
        return contiguous(operands[0].dim())
    orders = {one.order for one in known}
    if len(orders) > 1 or _has_ones(x.shape for x in operands):
        return None
    order = orders.pop()
    if not _keeps_rank(call.target, len(order)) or (memory == "square-images" and len(order) != 4):
        return None
    return Strides(order) if order == _CHANNELS_LAST.get(len(order)) else contiguous(len(order))


def _keeps_rank(target: str, rank: int) -> bool:
    """Whether torch computes on a tensor as it is, and adds no batch that it takes away again."""
    return not target.endswith("d") or target[-2] == str(rank - 2)
