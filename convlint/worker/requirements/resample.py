"""Maps that are made larger or smaller: each way of interpolating takes maps of so many dims."""

from __future__ import annotations

import math

import torch
from torch import nn

from convlint.ops.window import per_dim
from convlint.worker.call import Call, Check
from convlint.worker.requirements.rank import has_rank
from convlint.worker.requirements.room import with_room

_DIMS = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}
_ANY = (3, 4, 5)


def _interpolate(call: Call) -> None:
    """`[B, C, *] -> [B, C, *]` with one to three lengths (torch.nn.functional.interpolate)."""
    x, mode = call.tensor(0, "input"), call.option(3, "mode", "nearest")
    dims = _DIMS.get(str(mode))
    if x is not None and has_rank(call, x, x.dim() in ((dims,) if dims else _ANY), dims or f"{_ANY[0]} to {_ANY[-1]}"):
        _check_scale(call, x)


def _check_scale(call: Call, x: torch.Tensor) -> None:
    """`floor(size * scale_factor)` is 1 or more."""
    factors = call.option(2, "scale_factor")
    rank = x.dim() - 2
    if not isinstance(factors, float | int | tuple | list):
        return
    for i, factor in enumerate(per_dim(factors, rank)):
        if type(factor) in (float, int) and 0 < factor < 1:
            x = with_room(call, x, 2 + i, math.ceil(1 / factor), f"scale factor of {factor:g}")


LAYERS: dict[type[nn.Module], Check] = dict.fromkeys(
    (nn.Upsample, nn.UpsamplingNearest2d, nn.UpsamplingBilinear2d), _interpolate
)
FUNCTIONS: dict[str, Check] = {"torch.nn.functional.interpolate": _interpolate}
