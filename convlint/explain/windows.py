"""The sizes that convolutions and poolings give, as texts with their numbers put in."""

from __future__ import annotations

from convlint.explain.expression import Values, operand, work_out
from convlint.facts import Dim
from convlint.ops.window import Window


def _taken(window: Window) -> str:
    """What is taken off a padded size: a window's reach."""
    return f"{window.kernel}" if window.dilation == 1 else f"{window.dilation}*({window.kernel}-1) - 1"


def slid(size: Dim, window: Window, *, example: Values) -> str:
    """The places that a window has: `(28 + 2*2 - 5)//1 + 1`."""
    over = f"{operand(size)} + 2*{window.padding} - {_taken(window)}"
    if not window.ceil_mode:
        return f"({over})//{window.stride} + 1"
    text = f"ceil(({over})/{window.stride}) + 1"
    known, windows = work_out(size, example), work_out(text, example)
    is_left_out = known is not None and windows is not None and window.places(known) < windows
    return f"{text} - 1" if is_left_out else text


def spread(size: Dim, window: Window, output_padding: int = 0) -> str:
    """The size that a transposed convolution gives: `(14 - 1)*2 - 2*1 + 4`."""
    reach = f"{window.kernel}" if window.dilation == 1 else f"{window.dilation}*({window.kernel}-1) + 1"
    extra = f" + {output_padding}" if output_padding else ""
    return f"({operand(size)} - 1)*{window.stride} - 2*{window.padding} + {reach}{extra}"


def unrounded(size: int, window: Window) -> str:
    """The division that is rounded down, as school would write it: `(7 - 2)/2 + 1 = 3.5`."""
    padded = f"{size} + 2*{window.padding}" if window.padding else f"{size}"
    exact = (size + 2 * window.padding - window.reach) / window.stride + 1
    return f"({padded} - {window.reach})/{window.stride} + 1 = {exact:.4g}"
