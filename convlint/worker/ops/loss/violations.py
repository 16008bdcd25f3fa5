"""What is wrong with one call of a loss, a metric or `backward`, of a model or a script, on real or fake tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from convlint.ops.losses import Loss, loss_named
from convlint.worker.ops.call import shape_text
from convlint.worker.ops.loss.demand import Demand
from convlint.worker.ops.loss.elements import is_one_dim_apart
from convlint.worker.ops.loss.operands import Operand, arguments, is_same, loss_call, operand
from convlint.worker.ops.loss.statement import demands
from convlint.worker.values.sizes import Size


@dataclass(frozen=True, slots=True)
class LossViolation:
    """A requirement of a call that no size meets, by its kind; `role` is the operand at fault."""

    name: str
    role: str
    actual: str
    expected: str
    shapes: tuple[tuple[str, str], ...]  # of all operands, by role
    is_silent: bool = False  # torch computes all the same
    is_at_backward: bool = False  # torch raises only when gradients are computed


def loss_of(called: Callable[..., Any] | nn.Module) -> Loss | None:
    """The loss of a layer, of a class derived from one, or of a function of torch.nn.functional."""
    if isinstance(called, nn.Module):
        kinds: list[Any] = [kind for kind in type(called).__mro__ if kind.__module__ == "torch.nn.modules.loss"]
        known = (loss_named(kind.__name__) for kind in kinds if kind.forward is type(called).forward)
        return next((found for found in known if found is not None), None)
    is_of_torch = getattr(called, "__module__", None) == "torch.nn.functional"
    return loss_named(called.__name__) if is_of_torch else None


def loss_violations(
    called: Callable[..., Any] | nn.Module,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    batch: Size | None = None,
    casts: bool = False,
) -> tuple[LossViolation, ...]:
    """What a call of a loss does not meet, the first for each operand and kind; nothing for what is not a loss.

    `batch` is the size of the batch, where it is known: a number for each example does not fit scores of `[B, C]`, for
    which the name is then that of a broadcast. `casts` says whether autocast is on.
    """
    loss = loss_of(called)
    if loss is None:
        return ()
    layer = called if isinstance(called, nn.Module) else None
    call = loss_call(
        loss,
        arguments(loss, layer, args, kwargs),
        lambda size: batch is not None and is_same(size, batch),
        casts=casts,
    )
    shapes = tuple((role, shape_text(x.shape)) for role, x in call.operands.items())
    return tuple(_violation(one, shapes) for one in _first_of_each(demands(call)))


def _first_of_each(found: Sequence[Demand]) -> Iterator[Demand]:
    seen = set[tuple[str, str]]()
    for one in found:
        if one.is_violated and (one.name, one.role) not in seen:
            seen.add((one.name, one.role))
            yield one


def _violation(demand: Demand, shapes: tuple[tuple[str, str], ...]) -> LossViolation:
    texts = str(demand.actual), str(demand.expected)
    return LossViolation(demand.name, demand.role, *texts, shapes, demand.is_silent, demand.is_at_backward)


def backward_violation(x: torch.Tensor, gradient: torch.Tensor | None = None) -> LossViolation | None:
    """What is wrong with `x.backward(gradient)`: without a gradient of its own, `x` is one number."""
    if gradient is not None or operand(x).is_single:
        return None
    return LossViolation("loss_scalar", "self", shape_text(x.shape), "[]", (("self", shape_text(x.shape)),))


def comparison_violation(a: torch.Tensor, b: torch.Tensor) -> LossViolation | None:
    """What is wrong with a prediction and a target that are compared number by number, and the result summed up."""
    longer, shorter = (a.shape, b.shape) if a.dim() > b.dim() else (b.shape, a.shape)
    single = any(Operand(tuple(x.shape), x.dtype).is_single for x in (a, b))
    if a.dim() == b.dim() or single or not is_one_dim_apart(longer, shorter):
        return None
    shapes = shape_text(b.shape), shape_text(a.shape)
    return LossViolation("metric_broadcast", "other", *shapes, (("self", shapes[1]), ("other", shapes[0])), True)
