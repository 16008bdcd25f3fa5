"""What a small tensor holds: a numpy array of its shape, of int, bool, float, SymInt, SymFloat and SymBool.

What torch, with its 24 bits, might round to another whole number than a formula says is left unknown.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import sympy
import torch

from convlint.worker.torch_private.fake import FakeTensor, outside_modes

MOST: Final = 64
"""Elements of a tensor whose contents are followed."""
Contents = Any

HELD: Final = "_convlint_contents"
"""The attribute of a fake tensor whose contents are known."""
_STEPS: Final = 1 << 10  # a multiple of its inverse stays exact through a few steps of float32


class Unknown(Exception):
    """The contents cannot be told."""


def contents(x: torch.Tensor) -> Contents:
    """What a tensor holds. Raises Unknown."""
    if isinstance(x, FakeTensor):
        if (known := getattr(x, HELD, None)) is None:
            raise Unknown
        return known
    if x.layout is not torch.strided or x.numel() > MOST:
        raise Unknown
    with outside_modes():
        return exact(np.array(x.tolist(), dtype=object))


def number(x: torch.Tensor) -> Any:
    """The only number in a tensor, as `x.item()` gives it; None where it is unknown."""
    try:
        known = contents(x) if x.numel() == 1 else None
    except Unknown:
        return None
    if known is None:
        return None
    value = known.item()
    if not x.dtype.is_floating_point:
        return value
    if isinstance(value, torch.SymFloat):
        return value
    return torch.sym_float(value) if isinstance(value, torch.SymInt) else float(value)  # type: ignore[no-untyped-call]


def numbers(x: torch.Tensor) -> Any:
    """All numbers in a tensor of integers, as `x.tolist()` gives them; None where they are unknown."""
    try:
        return None if x.dtype.is_floating_point else contents(x).tolist()
    except Unknown:
        return None


def truncated(value: Any) -> Any:
    """What `int` gives, as a formula where the value is one. Raises what `int` raises."""
    is_symbolic = isinstance(value, (torch.SymInt, torch.SymFloat))
    return torch.sym_int(value) if is_symbolic else int(value)  # type: ignore[no-untyped-call]


def exact(values: Any) -> Contents:
    """The values as an array. Raises Unknown where there are too many, or one that may be rounded."""
    array = np.array(values, dtype=object)
    if array.size > MOST or not all(map(_is_exact, array.flat)):
        raise Unknown
    return array


def _is_exact(value: Any) -> bool:
    if isinstance(value, float):
        return abs(value) < _STEPS**2 and (value * _STEPS).is_integer()
    if isinstance(value, torch.SymFloat):
        return _is_exact_formula(value.node.expr)
    return isinstance(value, (int, torch.SymInt, torch.SymBool))


def _is_exact_formula(expr: sympy.Basic) -> bool:
    """Sums of whole numbers and of quotients of such: of sizes below 2 ** 23 torch rounds none to a whole number."""
    match type(expr).__name__:
        case "IntTrueDiv" | "FloatTrueDiv":
            return not any(part.has(sympy.Float) or _has_quotient(part) for part in expr.args)
        case "Mul":
            return all(map(_is_exact_formula, expr.args)) and not any(map(_has_quotient, expr.args))
        case "Add" | "ToFloat":
            return all(map(_is_exact_formula, expr.args))
        case "Float":
            return _is_exact(float(expr))
        case _:
            return bool(expr.is_integer)


def _has_quotient(expr: sympy.Basic) -> bool:
    return any(type(part).__name__ in ("IntTrueDiv", "FloatTrueDiv") for part in sympy.preorder_traversal(expr))
