"""Calls that are given the size of their result: it must be one of those that it can have come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
import torch

from convlint.worker.ops.call import Call
from convlint.worker.values.sizes import Size, at_least


def check_output_size(call: Call, x: torch.Tensor, wanted: Any, least: Sequence[Size], most: Sequence[Size]) -> bool:
    """State that each of the wanted sizes is in its range; true where all do, in this trace."""
    sizes = list(wanted)[-len(least) :]
    fits = True
    for i, (size, low, high) in enumerate(zip(sizes, least, most, strict=True)):
        condition = sympy.And(at_least(size, low), at_least(high, size))
        operand = f"input.shape[{x.dim() - len(least) + i}]"
        fits &= call.require("output_size", operand, condition, actual=size, expected=low, detail=f"{low} to {high}")
    return fits
