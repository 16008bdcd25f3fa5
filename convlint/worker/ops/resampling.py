"""Maps that are made larger or smaller: by interpolation, or with channels that become pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import torch
from torch import nn

from convlint.ops.window import per_dim
from convlint.worker.ops.call import Call
from convlint.worker.ops.op import BOTH, CHANNELS, Op, Shape, places, same
from convlint.worker.ops.rank import has_rank
from convlint.worker.ops.room import with_room
from convlint.worker.values.sizes import divides

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


def _deals(call: Call, dims: Sequence[int], parts: int, argument: str) -> None:
    """Sizes that are dealt out evenly, of an input of three dims or more."""
    x = call.tensor(0, "input")
    if x is None or not has_rank(call, x, x.dim() >= 3, "at least 3"):
        return
    at = argument if call.layer is not None else None
    for dim in dims if parts > 0 else ():
        actual = x.shape[dim]
        if not call.require(
            "divisible", f"input.shape[{dim}]", divides(parts, actual), actual=actual, expected=parts, argument=at
        ):
            # The rest is cut off, so that what follows is right for all sizes that have none.
            is_known = isinstance(actual, int)
            x = call.resized(x, dim, max(actual // parts, 1) * parts if is_known else actual // parts * parts)
            call.put(0, "input", x)
            call.tainted = is_known


def _pixel_shuffle(call: Call) -> None:
    """`[*, C*r*r, H, W] -> [*, C, H*r, W*r]` (torch.nn.PixelShuffle)."""
    factor = call.option(1, "upscale_factor")
    if isinstance(factor, int):
        _deals(call, (-3,), factor * factor, "upscale_factor")


def _pixel_unshuffle(call: Call) -> None:
    """`[*, C, H*r, W*r] -> [*, C*r*r, H, W]` (torch.nn.PixelUnshuffle)."""
    factor = call.option(1, "downscale_factor")
    if isinstance(factor, int):
        _deals(call, (-2, -1), factor, "downscale_factor")


def _channel_shuffle(call: Call) -> None:
    """`[B, C, *]` with groups dividing C (torch.nn.ChannelShuffle)."""
    groups = call.option(1, "groups")
    if isinstance(groups, int):
        _deals(call, (1,), groups, "groups")


def shuffled(call: Call) -> Shape | None:
    """Channels become pixels, or pixels channels, r in each direction (torch.nn.PixelShuffle)."""
    x, up, down = call.tensor(0, "input"), call.option(1, "upscale_factor"), call.option(1, "downscale_factor")
    if x is None or x.dim() < 3:
        return None
    *front, channels, height, width = x.shape
    if call.target.endswith(("PixelShuffle", "pixel_shuffle")):
        return (*front, channels // (up * up), height * up, width * up) if isinstance(up, int) else None
    return (*front, channels * down * down, height // down, width // down) if isinstance(down, int) else None


def interpolated(call: Call) -> Shape | None:
    """`size`, or `floor(size * scale_factor)` where the factor is a fraction (torch.nn.functional.interpolate)."""
    x, size, scale = call.tensor(0, "input"), call.get(1, "size"), call.get(2, "scale_factor")
    if x is None or x.dim() < 3 or not x.is_floating_point():
        return None
    rank = x.dim() - 2
    if size is not None:
        target = per_dim(size, rank)
    elif scale is not None:
        factors = [Fraction(factor).limit_denominator(64) for factor in per_dim(scale, rank)]
        if any(float(f) != given for f, given in zip(factors, per_dim(scale, rank), strict=True)):
            return None  # torch multiplies floats: only exact factors can be told in symbols
        target = [old * f.numerator // f.denominator for old, f in zip(x.shape[2:], factors, strict=True)]
    else:
        return None
    return (*x.shape[:2], *target) if len(target) == rank else None


def upsampled(call: Call) -> Shape | None:
    layer: Any = call.layer
    x = call.tensor(0, "input")
    return None if x is None else interpolated(Call(call.ledger, "", [x, layer.size, layer.scale_factor], {}))


_OWNERS = ("torch", "torch.nn.functional")

OPS = (
    Op(
        layers=(nn.Upsample, nn.UpsamplingNearest2d, nn.UpsamplingBilinear2d),
        check=_interpolate,
        shape=upsampled,
        keeps=CHANNELS,
        dims="kept",
        is_on_numbers=True,
        memory="images",
    ),
    Op(
        functions=("torch.nn.functional.interpolate",),
        check=_interpolate,
        shape=interpolated,
        keeps=CHANNELS,
        dims="kept",
        is_on_numbers=True,
        memory="images",
    ),
    Op(
        layers=(nn.PixelShuffle,),
        functions=places("pixel_shuffle", _OWNERS),
        check=_pixel_shuffle,
        shape=shuffled,
        memory="square-images",
    ),
    Op(
        layers=(nn.PixelUnshuffle,),
        functions=places("pixel_unshuffle", _OWNERS),
        check=_pixel_unshuffle,
        shape=shuffled,
        memory="square-images",
    ),
    Op(
        layers=(nn.ChannelShuffle,),
        functions=places("channel_shuffle", _OWNERS),
        check=_channel_shuffle,
        shape=same,
        keeps=BOTH,
        memory="square-images",
    ),
)
