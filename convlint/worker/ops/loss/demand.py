"""One thing that a loss requires of its operands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sympy
import torch

from convlint.worker.ops.call import shape_text
from convlint.worker.ops.loss.operands import LossCall, Operand
from convlint.worker.values.sizes import Size, equal


@dataclass(frozen=True, slots=True)
class Demand:
    """A requirement by its kind (`convlint.ops.requirements`), and the operand by its role."""

    name: str
    role: str
    condition: sympy.Basic
    actual: Size | str
    expected: Size | str
    dim: int | None = None  # of the operand, counted from the end
    is_silent: bool = False  # torch computes all the same
    is_at_backward: bool = False  # torch raises only when gradients are computed

    @property
    def is_violated(self) -> bool:
        """Whether no size meets it."""
        return self.condition is sympy.false


Demands = Iterator[Demand]


def dtype_text(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def of_shape(role: str, actual: Operand, expected: tuple[Size, ...] | str, name: str = "loss_shape") -> Demand:
    """The whole shape is wrong, whatever the sizes are."""
    text = expected if isinstance(expected, str) else shape_text(expected)
    return Demand(name, role, sympy.false, shape_text(actual.shape), text)


def same_sizes(role: str, actual: Operand, expected: tuple[Size, ...], first: int = 0) -> Demands:
    """An operand has just these sizes, beginning with dimension `first`."""
    for dim in range(first, len(expected)):
        came, wanted = actual.shape[dim], expected[dim]
        yield Demand("loss_size", role, equal(came, wanted), came, wanted, dim - actual.rank)


def same_shape(role: str, actual: Operand, expected: Operand) -> Demands:
    if actual.rank != expected.rank:
        yield of_shape(role, actual, expected.shape)
    else:
        yield from same_sizes(role, actual, expected.shape)


def of_dtype(call: LossCall, role: str, fits: bool, expected: torch.dtype | str, *, backward: bool = False) -> Demands:
    """The dtype of an operand is wrong where it does not fit."""
    if fits:
        return
    actual = call[role].dtype
    text = expected if isinstance(expected, str) else dtype_text(expected)
    is_mixed = actual.is_floating_point and isinstance(expected, torch.dtype) and expected.is_floating_point
    if is_mixed and call.casts:
        return
    name = "mixed_dtype" if is_mixed else "loss_dtype"
    yield Demand(name, role, sympy.false, dtype_text(actual), text, is_at_backward=backward)


def floating(call: LossCall, *roles: str) -> Demands:
    for role in roles:
        yield from of_dtype(call, role, call[role].is_floating, _number_like(call))


def not_bool(call: LossCall, *roles: str) -> Demands:
    for role in roles:
        if role in call.operands:
            yield from of_dtype(call, role, not call[role].is_bool, _number_like(call))


def _number_like(call: LossCall) -> torch.dtype:
    """The dtype that the floating operands have."""
    return next((x.dtype for x in call.operands.values() if x.is_floating), torch.float32)
