"""Spectra of signals."""

from __future__ import annotations

from convlint.ops.window import Window
from convlint.worker.ops.call import Call
from convlint.worker.ops.op import Op, Shape, places
from convlint.worker.ops.rank import has_rank
from convlint.worker.ops.room import with_room

_NAMES = ("n_fft", "hop_length", "win_length", "window", "center", "pad_mode", "normalized", "onesided")


def _frames(call: Call) -> Window | None:
    """The frames of a signal: as long as the transform, a hop apart, and with half of one around the signal."""
    size, hop, center = (call.get(i + 1, _NAMES[i]) for i in (0, 1, 4))
    if type(size) is not int or (hop is not None and type(hop) is not int):
        return None
    return Window(size, hop or size // 4, size // 2 if center in (None, True) else 0)


def _check(call: Call) -> None:
    """`[B, L]` or `[L]`, as long as a frame, or as what is mirrored around the signal (torch.stft)."""
    x, frames = call.tensor(0, "input"), _frames(call)
    if x is None or frames is None or not has_rank(call, x, x.dim() in (1, 2), 2):
        return
    mirrors = frames.padding and call.get(6, "pad_mode", "reflect") == "reflect"
    with_room(
        call, x, x.dim() - 1, frames.padding + 1 if mirrors else max(1, frames.least), f"frame of {frames.kernel}"
    )


def _shape(call: Call) -> Shape | None:
    x, frames = call.tensor(0, "input"), _frames(call)
    window = call.tensor(4, "window")
    if x is None or frames is None or x.dim() not in (1, 2) or (window is not None and window.is_complex()):
        return None
    one_sided = call.get(8, "onesided")
    is_half = not x.is_complex() if one_sided is None else bool(one_sided)
    bins = frames.kernel // 2 + 1 if is_half else frames.kernel
    return (*x.shape[:-1], bins, frames.places(x.shape[-1]))


def _transformed(call: Call) -> None:
    _check(call)
    x, shape = call.tensor(0, "input"), _shape(call)
    if shape is None or x is None or call.is_done or call.get(9, "return_complex") is not True:
        return
    call.result = call.ledger.fresh(shape, x, x.dtype.to_complex())


OPS = (Op(functions=(*places("stft"), "torch.functional.stft"), check=_transformed),)
