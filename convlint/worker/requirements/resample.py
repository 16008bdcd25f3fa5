"""Maps that are made larger or smaller: each way of interpolating takes maps of so many dims."""

from __future__ import annotations

from torch import nn

from convlint.worker.call import Call, Check
from convlint.worker.requirements.rank import has_rank

_DIMS = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}
_ANY = (3, 4, 5)


def _interpolate(call: Call) -> None:
    """`[B, C, *] -> [B, C, *]` with one to three lengths (torch.nn.functional.interpolate)."""
    x, mode = call.tensor(0, "input"), call.option(3, "mode", "nearest")
    dims = _DIMS.get(str(mode))
    if x is not None:
        has_rank(call, x, x.dim() in ((dims,) if dims else _ANY), dims or f"{_ANY[0]} to {_ANY[-1]}")


LAYERS: dict[type[nn.Module], Check] = dict.fromkeys(
    (nn.Upsample, nn.UpsamplingNearest2d, nn.UpsamplingBilinear2d), _interpolate
)
FUNCTIONS: dict[str, Check] = {"torch.nn.functional.interpolate": _interpolate}
