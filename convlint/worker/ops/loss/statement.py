"""What every loss requires, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import torch

from convlint.worker.ops.loss import classes, elements, pairs
from convlint.worker.ops.loss.classes import class_axis
from convlint.worker.ops.loss.demand import Demand, Demands
from convlint.worker.ops.loss.operands import LossCall, is_same
from convlint.worker.values.sizes import Size

Shape = tuple[Size, ...]

_STATEMENTS: Final[Mapping[str, Callable[[LossCall], Demands]]] = {
    **classes.STATEMENTS,
    **elements.STATEMENTS,
    **pairs.STATEMENTS,
}
_OF_INPUT: Final = frozenset(
    {
        *("nll_loss", "binary_cross_entropy", "hinge_embedding_loss", "soft_margin_loss"),
        *("multi_margin_loss", "multilabel_margin_loss", "ctc_loss"),
    }
)
"""Losses whose result has the dtype of their input."""


def demands(call: LossCall) -> tuple[Demand, ...]:
    """What the loss requires of these operands; nothing where that is not known."""
    statement = _STATEMENTS.get(call.loss.function)
    return tuple(statement(call)) if statement is not None and call.is_whole else ()


def is_stated(call: LossCall) -> bool:
    """Whether all is said about this call: kernels for 16 bits differ from device to device."""
    if call.loss.function not in _STATEMENTS or not call.is_whole:
        return False
    halves = (torch.float16, torch.bfloat16)
    if call.loss.function in ("multi_margin_loss", "multilabel_margin_loss", "ctc_loss"):
        return not any(x.dtype in halves for x in call.operands.values())
    return True


def number_of_classes(call: LossCall) -> Size | None:
    """How many classes the class numbers of a target are taken from; None where it holds none."""
    if not call.loss.reads_classes or not call.is_whole or call["target"].is_floating or not call["input"].rank:
        return None
    x = call["input"]
    return x.shape[class_axis(x.rank) if call.loss.function != "multi_margin_loss" else -1]


def result_shape(call: LossCall) -> Shape | None:
    """The shape of the loss, where its operands fit; None where torch must say it."""
    if call.reduction != "none":
        return () if call.reduction in ("mean", "sum", "batchmean") else None
    match call.loss.function:
        case "cross_entropy" | "nll_loss":
            shape = call["input"].shape
            axis = class_axis(len(shape))
            return (*shape[:axis], *shape[axis + 1 :])
        case "multi_margin_loss":
            return call["target"].shape
        case "multilabel_margin_loss":
            return call["input"].shape[:-1]
        case "ctc_loss":
            return call["log_probs"].shape[1:-1]
        case "multilabel_soft_margin_loss":
            return _without(_together(call, *call.operands), call["input"].rank - 1)
        case "gaussian_nll_loss":
            x, target, var = (call[role].shape for role in call.loss.roles)
            return broadcast_shape([x, target, (*var, 1) if len(var) < len(x) else var])
        case "cosine_embedding_loss":
            rows = [call["input1"].shape[:-1], call["input2"].shape[:-1], call["target"].shape]
            return broadcast_shape(rows)
        case "triplet_margin_loss":
            return _without(_together(call, *call.loss.roles), -1)
        case _:
            return _together(call, *call.operands)


def _together(call: LossCall, *roles: str) -> Shape | None:
    return broadcast_shape([call[role].shape for role in roles])


def _without(shape: Shape | None, dim: int) -> Shape | None:
    return shape and tuple(size for i, size in enumerate(shape) if i != dim % len(shape))


def broadcast_shape(shapes: Sequence[Shape]) -> Shape | None:
    """The shape of several that are aligned from the last dimension; None where it depends on the sizes."""
    result: Shape = ()
    for shape in shapes:
        rank = max(len(result), len(shape))
        pairs_of = zip((1,) * (rank - len(result)) + result, (1,) * (rank - len(shape)) + shape, strict=True)
        merged: list[Size] = []
        for left, right in pairs_of:
            if isinstance(left, int) and left == 1:
                merged.append(right)
            elif (isinstance(right, int) and right == 1) or is_same(left, right):
                merged.append(left)
            else:
                return None
        result = tuple(merged)
    return result


def result_dtype(call: LossCall) -> torch.dtype | None:
    """The dtype of the loss; None where torch must say it."""
    first = call[call.loss.roles[0]].dtype
    if not first.is_floating_point or call.casts:
        return None
    if call.loss.function in _OF_INPUT or all(x.dtype == first for x in call.operands.values()):
        return first
    if call.loss.function == "cross_entropy" and not call["target"].is_floating:
        return first
    return None
