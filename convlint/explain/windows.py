"""The sizes that convolutions and poolings give, as texts with their numbers put in.

Each law is the one under "Shape" on the layer's page of the PyTorch documentation
(docs.pytorch.org/docs/stable/nn.html), with `a` for the size that goes in:

    Conv, MaxPool  floor((a + 2*padding - dilation*(kernel_size - 1) - 1)/stride + 1)
    AvgPool        floor((a + 2*padding - kernel_size)/stride + 1)
    ConvTranspose  (a - 1)*stride - 2*padding + dilation*(kernel_size - 1) + output_padding + 1
"""

from __future__ import annotations

from dataclasses import dataclass

from convlint.explain.expression import Values, operand, work_out
from convlint.facts import Dim


@dataclass(frozen=True, slots=True)
class Window:
    """How a window moves over one size."""

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    ceil_mode: bool = False

    @property
    def reach(self) -> int:
        """The pixels from the first to the last that a window sees."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def taken(self) -> str:
        """What is taken off a padded size: a window's reach."""
        return f"{self.kernel}" if self.dilation == 1 else f"{self.dilation}*({self.kernel}-1) - 1"


def slid(size: Dim, window: Window, *, example: Values) -> str:
    """The places that a window has: `(28 + 2*2 - 5)//1 + 1`."""
    over = f"{operand(size)} + 2*{window.padding} - {window.taken}"
    if not window.ceil_mode:
        return f"({over})//{window.stride} + 1"
    text = f"ceil(({over})/{window.stride}) + 1"
    known, places = work_out(size, example), work_out(text, example)
    # torch: a last window that would start in the padding on the right is left out.
    if known is None or places is None or (places - 1) * window.stride < known + window.padding:
        return text
    return f"{text} - 1"


def spread(size: Dim, window: Window, output_padding: int = 0) -> str:
    """The size that a transposed convolution gives: `(14 - 1)*2 - 2*1 + 4`."""
    reach = f"{window.kernel}" if window.dilation == 1 else f"{window.dilation}*({window.kernel}-1) + 1"
    extra = f" + {output_padding}" if output_padding else ""
    return f"({operand(size)} - 1)*{window.stride} - 2*{window.padding} + {reach}{extra}"


def dropped(size: Dim, window: Window) -> int:
    """The pixels at the far end that no window reaches because a division is rounded down."""
    if window.ceil_mode or not isinstance(size, int):
        return 0
    over = size + 2 * window.padding - window.reach
    return max(0, over % window.stride - window.padding) if over >= 0 else 0


def unrounded(size: int, window: Window) -> str:
    """The division that is rounded down, as school would write it: `(7 - 2)/2 + 1 = 3.5`."""
    padded = f"{size} + 2*{window.padding}" if window.padding else f"{size}"
    exact = (size + 2 * window.padding - window.reach) / window.stride + 1
    return f"({padded} - {window.reach})/{window.stride} + 1 = {exact:.4g}"
