"""PixelShuffle, PixelUnshuffle and ChannelShuffle: the sizes that are dealt out must be divisible."""

from __future__ import annotations

from typing import Any

import sympy
import torch
from torch import nn

from convlint.worker.call import Call, Check
from convlint.worker.sizes import divides


def _has_dims(call: Call, x: torch.Tensor, least: int) -> bool:
    if x.dim() >= least:
        return True
    call.need("rank", "input.rank", sympy.false, came=x.dim(), needed=f"at least {least}")
    call.result = call.ledger.fresh(tuple(x.shape), x)
    call.spoiled = True
    return False


def _dealt(call: Call, x: torch.Tensor, dim: int, parts: Any, argument: str) -> None:
    """A size that is dealt out evenly; what is left over goes where it is not, so that the trace can go on."""
    if not isinstance(parts, int) or parts < 1:
        return
    came = x.shape[dim]
    if not call.need(
        "divisible", f"input.shape[{dim}]", divides(parts, came), came=came, needed=parts, argument=argument or None
    ):
        x = call.resized(x, dim, parts)
        call.put(0, "input", x)
        call.spoiled = True


def _pixel_shuffle(call: Call) -> None:
    """`[*, C*r*r, H, W] -> [*, C, H*r, W*r]` (torch.nn.PixelShuffle)."""
    layer: Any = call.layer
    x = call.tensor(0, "input")
    factor = layer.upscale_factor if layer is not None else call.get(1, "upscale_factor")
    if x is not None and isinstance(factor, int) and _has_dims(call, x, 3):
        _dealt(call, x, -3, factor * factor, "upscale_factor" if layer is not None else "")


def _pixel_unshuffle(call: Call) -> None:
    """`[*, C, H*r, W*r] -> [*, C*r*r, H, W]` (torch.nn.PixelUnshuffle)."""
    layer: Any = call.layer
    x = call.tensor(0, "input")
    factor = layer.downscale_factor if layer is not None else call.get(1, "downscale_factor")
    if x is None or not isinstance(factor, int) or not _has_dims(call, x, 3):
        return
    for dim in (-2, -1):
        operand = call.tensor(0, "input")
        assert operand is not None
        _dealt(call, operand, dim, factor, "downscale_factor" if layer is not None else "")


def _channel_shuffle(call: Call) -> None:
    """`[B, C, *]` with groups dividing C (torch.nn.ChannelShuffle)."""
    layer: Any = call.layer
    x = call.tensor(0, "input")
    groups = layer.groups if layer is not None else call.get(1, "groups")
    if x is not None and _has_dims(call, x, 3):
        _dealt(call, x, 1, groups, "groups" if layer is not None else "")


LAYERS: dict[type[nn.Module], Check] = {
    nn.PixelShuffle: _pixel_shuffle,
    nn.PixelUnshuffle: _pixel_unshuffle,
    nn.ChannelShuffle: _channel_shuffle,
}

FUNCTIONS: dict[str, Check] = {
    **dict.fromkeys(("torch.pixel_shuffle", "torch.nn.functional.pixel_shuffle"), _pixel_shuffle),
    **dict.fromkeys(("torch.pixel_unshuffle", "torch.nn.functional.pixel_unshuffle"), _pixel_unshuffle),
    **dict.fromkeys(("torch.channel_shuffle", "torch.nn.functional.channel_shuffle"), _channel_shuffle),
}
