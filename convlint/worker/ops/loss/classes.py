"""Losses whose target holds class numbers, or a probability for each class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import sympy
import torch

from convlint.worker.ops.call import shape_text
from convlint.worker.ops.loss.demand import (
    Demand,
    Demands,
    floating,
    of_dtype,
    of_shape,
    same_shape,
    same_sizes,
)
from convlint.worker.ops.loss.operands import LossCall, is_same
from convlint.worker.values.sizes import Size, equal, product


def class_axis(rank: int) -> int:
    """The dimension of the classes: the only one of a single example, the second of a batch."""
    return 0 if rank == 1 else 1


def _cross_entropy(call: LossCall) -> Demands:
    """Class numbers, one for each place, or probabilities of the input's own shape (torch.nn.CrossEntropyLoss)."""
    x, target = call["input"], call["target"]
    if x.rank == 0:
        yield of_shape("input", x, "[N, C]")
    elif target.rank != x.rank or _is_one_of_one(call):
        yield from _indexed(call)
    elif target.is_floating:
        yield from _probabilities(call)
    elif all(map(is_same, x.shape, target.shape)):
        yield from of_dtype(call, "target", False, x.dtype)
    else:
        yield of_shape("target", target, _without_classes(x.shape))


def _is_one_of_one(call: LossCall) -> bool:
    """Whether a single example, `[C]`, meets a row of one class number, which torch takes as well."""
    x, target = call["input"], call["target"]
    is_smoothed = call.options.get("label_smoothing", 0.0) > 0
    is_row = x.rank == target.rank == 1 and target.is_single and not x.is_single
    return is_row and not target.is_floating and not is_smoothed


def _probabilities(call: LossCall) -> Demands:
    yield from same_shape("target", call["target"], call["input"])
    yield from floating(call, "input")
    ignored = call.options.get("ignore_index", -100)
    if ignored >= 0:
        yield Demand("ignore_index", "target", sympy.false, ignored, "class numbers")
    yield from _one_weight_each(call)


def _without_classes(shape: tuple[Size, ...]) -> tuple[Size, ...]:
    axis = class_axis(len(shape))
    return (*shape[:axis], *shape[axis + 1 :])


def _nll(call: LossCall) -> Demands:
    if call["input"].rank == 0:
        yield of_shape("input", call["input"], "[N, C]")
    else:
        yield from _indexed(call)


def _indexed(call: LossCall) -> Demands:
    """A class number for each place that the input has scores for."""
    x, target = call["input"], call["target"]
    wanted = (1,) if x.rank == target.rank == 1 else _without_classes(x.shape)
    if target.rank != len(wanted):
        yield of_shape("target", target, wanted)
    elif x.rank > 2 and _has_classes_last(call):
        texts = shape_text(x.shape), shape_text(target.shape)
        yield Demand("class_axis", "input", sympy.And(*map(equal, target.shape, wanted)), *texts)
    else:
        yield from same_sizes("target", target, wanted)
    yield from floating(call, "input")
    is_gathered = bool(call.options.get("label_smoothing")) and "weight" in call.operands and call.reduction == "mean"
    whole = (torch.int64,) if x.rank > 2 or is_gathered else (torch.int64, torch.uint8)
    yield from of_dtype(call, "target", target.dtype in whole, torch.int64)
    yield from _one_weight_each(call)
    if "weight" in call.operands:
        yield from of_dtype(call, "weight", call["weight"].dtype == x.dtype, x.dtype)
    yield from in_range(call, x.shape[class_axis(x.rank)])


def _has_classes_last(call: LossCall) -> bool:
    """Whether the target has just the shape that it would need, were the classes the last dimension of the input."""
    x, target = call["input"], call["target"]
    return all(map(is_same, target.shape, x.shape[:-1])) and not all(
        map(is_same, target.shape, _without_classes(x.shape))
    )


def _one_weight_each(call: LossCall) -> Demands:
    if "weight" not in call.operands:
        return
    x, weight = call["input"], call["weight"]
    classes = x.shape[class_axis(x.rank)] if x.rank else 1
    if x.rank > 2 and call["target"].rank < x.rank and not call.options.get("label_smoothing"):
        yield Demand("loss_weight", "weight", equal(product(weight.shape), classes), shape_text(weight.shape), classes)
    elif weight.rank != 1:
        yield of_shape("weight", weight, (classes,), "loss_weight")
    else:
        yield Demand("loss_weight", "weight", equal(weight.shape[0], classes), weight.shape[0], classes, -1)


def in_range(call: LossCall, classes: Size) -> Demands:
    """Known class numbers are below the number of classes, those that are ignored aside."""
    if not isinstance(classes, int):
        return
    ignored = call.options.get("ignore_index", -100) if call.loss.function != "multi_margin_loss" else None
    odd = [one for one in call["target"].labels if one != ignored and not 0 <= one < classes]
    yield from _labels(odd, classes)


def _labels(odd: Sequence[int], classes: int) -> Demands:
    """The class number that is farthest out of range."""
    if odd:
        yield Demand("label_range", "target", sympy.false, max(odd) if max(odd) >= 0 else min(odd), classes)


def _multi_margin(call: LossCall) -> Demands:
    """`[C]` with one class number, or `[N, C]` with N (torch.nn.MultiMarginLoss)."""
    x, target = call["input"], call["target"]
    if x.rank > 2:
        yield of_shape("input", x, "[N, C]")
        return
    yield from _one_each(call, x.shape[0] if x.rank == 2 else 1)
    yield from floating(call, "input")
    yield from of_dtype(call, "target", target.dtype is torch.int64, torch.int64)
    yield from _one_weight_each(call)
    if "weight" in call.operands:
        yield from of_dtype(call, "weight", call["weight"].dtype == x.dtype, x.dtype)
    yield from in_range(call, x.shape[-1] if x.rank else 1)


def _one_each(call: LossCall, count: Size) -> Demands:
    target = call["target"]
    if target.rank > 1:
        yield of_shape("target", target, (count,))
    else:
        came = target.shape[0] if target.rank else 1
        yield Demand("loss_size", "target", equal(came, count), came, count, -1 if target.rank else None)


def _multilabel_margin(call: LossCall) -> Demands:
    """Rows of class numbers, as long as those of the scores; the first -1 ends one (torch.nn.MultiLabelMarginLoss)."""
    x, target = call["input"], call["target"]
    if x.rank > 2:
        yield of_shape("input", x, "[N, C]")
        return
    if x.rank + target.rank < 2:
        yield from _one_each(call, x.shape[0] if x.rank else 1)
    else:
        yield from same_shape("target", target, x)
    yield from floating(call, "input")
    yield from of_dtype(call, "target", target.dtype is torch.int64, torch.int64)
    classes = x.shape[-1] if x.rank else 1
    if isinstance(classes, int):
        yield from _labels([one for one in target.labels if not -1 <= one < classes], classes)


STATEMENTS: Final[Mapping[str, Callable[[LossCall], Demands]]] = {
    "cross_entropy": _cross_entropy,
    "nll_loss": _nll,
    "multi_margin_loss": _multi_margin,
    "multilabel_margin_loss": _multilabel_margin,
}
