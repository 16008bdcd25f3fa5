"""Enough places in a spatial dim, for whatever slides over it, pads it or cuts from it."""

from __future__ import annotations

import sympy
import torch

from convlint.worker.ops.call import Call
from convlint.worker.values.sizes import Size, at_least


def with_room(
    call: Call,
    x: torch.Tensor,
    dim: int,
    least: Size,
    detail: str,
    *,
    condition: sympy.Basic | None = None,
    repaired: Size | None = None,
) -> torch.Tensor:
    """The call's input with `least` or more places in a dim; with `repaired`, or `least`, where it has fewer.

    `condition` says the same as `least` where that is not all that there is to say.
    """
    if call.require(
        "spatial",
        f"input.shape[{dim}]",
        at_least(x.shape[dim], least) if condition is None else condition,
        actual=x.shape[dim],
        expected=least,
        detail=detail,
    ):
        return x
    x = call.resized(x, dim, least if repaired is None else repaired)
    call.put(0, "input", x)
    call.tainted = True
    return x
