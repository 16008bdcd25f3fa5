"""A window that slides over one size: the formulas of convolutions and pools, for numbers, symbols and texts.

    Conv, MaxPool            floor((size + 2*padding - dilation*(kernel - 1) - 1)/stride) + 1
    AvgPool                  floor((size + 2*padding - kernel)/stride) + 1
    ConvTranspose, Unpool    (size - 1)*stride - 2*padding + dilation*(kernel - 1) + output_padding + 1

Sources: torch.nn.Conv2d, torch.nn.MaxPool2d, torch.nn.AvgPool2d, torch.nn.ConvTranspose2d, torch.nn.MaxUnpool2d. A
size may be an int, a symbolic size of torch or an expression of sympy: all of them have the arithmetic of numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from convlint.facts import Dim
from convlint.ops.expression import Values, operand, work_out

Number = Any
"""An int, or whatever calculates like one."""


@dataclass(frozen=True, slots=True)
class Window:
    """How a window moves over one size; `padding` is that of each end."""

    kernel: Number
    stride: Number = 1
    padding: int = 0
    dilation: int = 1
    ceil_mode: bool = False

    @property
    def reach(self) -> Number:
        """The places from the first to the last that a window covers."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def slack(self) -> Number:
        """How far the last window may hang over the edge: with ceil_mode by less than a stride."""
        return self.stride - 1 if self.ceil_mode else 0

    @property
    def least(self) -> Number:
        """The smallest size that one window fits into."""
        return self.reach - 2 * self.padding - self.slack

    def places(self, size: Number, smaller: Callable[[Number, Number], Number] = min) -> Number:
        """How many places the window has. `smaller` gives the smaller one of two sizes."""
        windows = (size + 2 * self.padding - self.reach + self.slack) // self.stride + 1
        if not self.ceil_mode or self.padding + self.stride <= self.reach:
            return windows
        # The last window must begin within the input or the padding before it.
        return smaller(windows, (size + self.padding - 1) // self.stride + 1)

    def spread(self, size: Number, output_padding: Number = 0) -> Number:
        """The size that the transposed window gives for `size` places."""
        return (size - 1) * self.stride - 2 * self.padding + self.reach + output_padding

    def inputs(self, place: int) -> range:
        """What the window covers at one place, counted from the start of the input."""
        start = place * self.stride - self.padding
        return range(start, start + self.dilation * self.kernel, self.dilation)

    def dropped(self, size: int) -> int:
        """The places at the far end that no window covers because a division is rounded down."""
        over = size + 2 * self.padding - self.reach
        return 0 if self.ceil_mode or over < 0 else max(0, over % self.stride - self.padding)


def same_padding(kernel: int, dilation: int = 1) -> int:
    """The padding that keeps a size at stride 1: of an uneven one the smaller half, which torch puts in front."""
    return dilation * (kernel - 1) // 2


def per_dim(value: Any, rank: int) -> list[Any]:
    """One number for each spatial dim, from a number or a sequence of one or of `rank`."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [value[0]] * rank if len(value) == 1 else list(value)
    return [value] * rank


def windows(
    kernel: Sequence[Number], stride: Any, padding: Any, dilation: Any = 1, ceil_mode: bool = False
) -> tuple[Window, ...]:
    """One window for each dim of the kernel; a stride of None is that of the kernel."""
    rank = len(kernel)
    strides = list(kernel) if stride in (None, [], ()) else per_dim(stride, rank)
    numbers = zip(kernel, strides, per_dim(padding, rank), per_dim(dilation, rank), strict=True)
    return tuple(Window(*each, ceil_mode=ceil_mode) for each in numbers)


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
