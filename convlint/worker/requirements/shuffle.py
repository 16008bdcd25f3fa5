"""PixelShuffle, PixelUnshuffle and ChannelShuffle: the sizes that are dealt out must be divisible."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from convlint.worker.call import Call, Check
from convlint.worker.requirements.rank import has_rank
from convlint.worker.sizes import divides


def _deals(call: Call, dims: Sequence[int], parts: int, argument: str) -> None:
    """Sizes that are dealt out evenly, of an input of three dims or more."""
    x = call.tensor(0, "input")
    if x is None or not has_rank(call, x, x.dim() >= 3, "at least 3"):
        return
    at = argument if call.layer is not None else None
    for dim in dims if parts > 0 else ():
        came = x.shape[dim]
        if not call.need(
            "divisible", f"input.shape[{dim}]", divides(parts, came), came=came, needed=parts, argument=at
        ):
            # The rest is cut off, so that what comes behind is right for all sizes that have none.
            is_known = isinstance(came, int)
            x = call.resized(x, dim, max(came // parts, 1) * parts if is_known else came // parts * parts)
            call.put(0, "input", x)
            call.spoiled = is_known


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
