"""Padding with what is in the image itself: there must be enough of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from convlint.worker.ops.call import Call, Check
from convlint.worker.ops.op import CHANNELS, RANKS, Op, Shape
from convlint.worker.ops.rank import has_rank
from convlint.worker.ops.room import with_room
from convlint.worker.values.sizes import Size

# How much larger than the padding the image must be (torch.nn.ReflectionPad2d, torch.nn.CircularPad2d).
_MORE = {"reflect": 1, "circular": 0}


def check_pads(call: Call, x: torch.Tensor, pads: Sequence[Any], mode: str) -> torch.Tensor:
    """The tensor, large enough for pads that are given as in `torch.nn.functional.pad`: the last dim first."""
    if mode not in _MORE or x.dim() < len(pads) // 2 + 1 or not all(isinstance(pad, int) for pad in pads):
        return x
    for i in range(len(pads) // 2):
        dim = x.dim() - 1 - i
        least = max(pads[2 * i : 2 * i + 2]) + _MORE[mode]
        if least > 1:
            x = with_room(call, x, dim, least, f"{mode} padding of {max(pads[2 * i : 2 * i + 2])}")
    return x


def _has_rank(call: Call, x: torch.Tensor, spatial: int, mode: str) -> bool:
    """What pads with the image itself takes `[B, C, *]` or `[C, *]` with a length for each pair of pads."""
    return has_rank(call, x, mode == "constant" or x.dim() in (spatial + 1, spatial + 2), spatial + 2)


def _function(call: Call) -> None:
    x, pads = call.tensor(0, "input"), call.get(1, "pad")
    if x is not None and isinstance(pads, (list, tuple)) and len(pads) % 2 == 0:
        pads = [pad.item() if isinstance(pad, torch.Tensor) and pad.dim() == 0 else pad for pad in pads]
        call.put(1, "pad", pads)  # torch reads numbers out of real tensors only
        mode = call.get(2, "mode", "constant")
        if _has_rank(call, x, len(pads) // 2, mode):
            check_pads(call, x, pads, mode)


def _layer(mode: str) -> Check:
    def check(call: Call) -> None:
        x, pads = call.tensor(0, "input"), getattr(call.layer, "padding", ())
        if x is not None and _has_rank(call, x, len(pads) // 2, mode):
            check_pads(call, x, pads, mode)

    return check


def padded(call: Call) -> Shape | None:
    """Two numbers a dim, the last dim first (torch.nn.functional.pad)."""
    x, pads = call.tensor(0, "input"), call.get(1, "pad")
    if x is None or not isinstance(pads, (list, tuple)) or len(pads) % 2 or len(pads) > 2 * x.dim():
        return None
    shape: list[Size] = list(x.shape)
    for i in range(0, len(pads), 2):
        shape[-1 - i // 2] = shape[-1 - i // 2] + pads[i] + pads[i + 1]
    return tuple(shape)


def padded_by_layer(call: Call) -> Shape | None:
    x = call.tensor(0, "input")
    pads = getattr(call.layer, "padding", None)
    return None if x is None else padded(Call(call.ledger, "", [x, pads], {}))


_CHECKED = {"Reflection": "reflect", "Circular": "circular", "Replication": "replicate"}

OPS = (
    *(
        Op(
            layers=tuple(getattr(nn, f"{name}Pad{end}") for end in RANKS),
            check=_layer(_CHECKED[name]) if name in _CHECKED else None,
            shape=padded_by_layer,
            keeps=CHANNELS,
            dims="kept",
            is_on_numbers=True,
            memory="images" if name in ("Zero", "Constant", "Reflection") else None,
        )
        for name in ("Zero", "Constant", *_CHECKED)
    ),
    Op(
        functions=("torch.nn.functional.pad",),
        check=_function,
        shape=padded,
        keeps=CHANNELS,
        dims="kept",
        is_on_numbers=True,
        memory="images",
    ),
)
