"""How many dims an input has: what came is handed on, so that the trace can go on after a mistake."""

from __future__ import annotations

import sympy
import torch

from convlint.worker.ops.call import Call


def has_rank(call: Call, x: torch.Tensor, fits: bool, expected: int | str) -> bool:
    """Whether the input has the dims that are needed; after one that has not, no size proves anything."""
    if not fits:
        call.require("rank", "input.rank", sympy.false, actual=x.dim(), expected=expected)
        call.result = call.ledger.fresh(tuple(x.shape), x)
        call.tainted = True
    return fits
