"""Losses: what `convlint.worker.ops.loss` states of them, checked where a call is traced."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import sympy
import torch
from torch import nn

from convlint.ops.losses import LOSSES, Loss
from convlint.worker.ops.call import Call
from convlint.worker.ops.dtype import casts_by_itself
from convlint.worker.ops.loss.demand import Demand
from convlint.worker.ops.loss.operands import LossCall, arguments, loss_call
from convlint.worker.ops.loss.statement import demands, is_stated, number_of_classes, result_dtype, result_shape
from convlint.worker.ops.op import Op
from convlint.worker.values.nesting import tensors_in
from convlint.worker.values.sizes import Size


def _check(call: Call, loss: Loss) -> None:
    given = arguments(loss, call.layer, call.args, call.kwargs)
    stated = loss_call(loss, given, call.ledger.is_batch, casts=casts_by_itself())
    if all(_holds(call, given, demand) for demand in demands(stated) if not demand.is_at_backward):
        _check_labels(call, stated, given)
        _give(call, stated, given)
        return
    shape = result_shape(stated)
    call.tainted = bool(shape) or shape is None
    first = given[loss.roles[0]]
    dtype = first.dtype if first.is_floating_point() else torch.float32
    call.result = call.ledger.fresh(tuple(first.shape) if shape is None else shape, first, dtype)


def _holds(call: Call, given: Mapping[str, Any], demand: Demand) -> bool:
    if isinstance(demand.condition, sympy.Eq) and all(side.is_Symbol for side in demand.condition.args):
        call.ledger.assume(demand.condition)  # sizes of two inputs: which others fit is another way through forward
    return call.require(
        "reconstruction" if demand.name == "loss_size" and _rebuilds(call, given) else demand.name,
        _operand(call, given[demand.role], demand),
        demand.condition,
        actual=demand.actual,
        expected=demand.expected,
        detail=demand.role,
    )


def _rebuilds(call: Call, given: Mapping[str, Any]) -> bool:
    """Whether the loss compares what the model makes of its input with that input."""
    made, target = given.get("input"), given.get("target")
    if made is None or target is None or made.dim() != target.dim():
        return False
    return call.ledger.rebuilds(made, target) or call.ledger.rebuilds(target, made)


def _operand(call: Call, x: torch.Tensor, demand: Demand) -> str:
    """A path into the facts of the call; a weight of a layer is none of its inputs."""
    places = [i for i, other in enumerate(tensors_in((call.args, call.kwargs))) if other is x]
    if not places:
        return demand.role
    start = f"inputs[{places[0]}]"
    if demand.name in ("loss_dtype", "mixed_dtype"):
        return f"{start}.dtype"
    return f"{start}.shape" if demand.dim is None else f"{start}.shape[{demand.dim}]"


def _check_labels(call: Call, stated: LossCall, given: Mapping[str, Any]) -> None:
    """Class numbers below the number of classes, where the user said how large they get."""
    classes = number_of_classes(stated)
    bound = call.ledger.bound(given["target"]) if isinstance(classes, int) else None
    if bound is not None and isinstance(classes, int) and bound > classes:
        call.require("label_range", "target", sympy.false, actual=bound - 1, expected=classes, detail="target")


def _give(call: Call, stated: LossCall, given: Mapping[str, Any]) -> None:
    """The result, where it is one number or a row of them: how others are in memory is torch's to say."""
    shape: tuple[Size, ...] | None = result_shape(stated) if is_stated(stated) else None
    dtype = result_dtype(stated)
    if shape is not None and len(shape) < 2 and dtype is not None:
        call.result = call.ledger.fresh(shape, given[stated.loss.roles[0]], dtype)


OPS = tuple(
    Op(
        layers=(getattr(nn, loss.layer),),
        functions=(f"torch.nn.functional.{loss.function}",),
        check=partial(_check, loss=loss),
    )
    for loss in LOSSES
)
