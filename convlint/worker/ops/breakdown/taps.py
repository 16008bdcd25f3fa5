"""Which places of one size of the input a place of the output looks at. Plain arithmetic.

The laws are those of the PyTorch documentation of Conv2d, ConvTranspose2d, AvgPool2d and AdaptiveAvgPool2d.

`place` is that of the output, `size` the input's. An input of None is in the padding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from convlint.ops.window import Window


@dataclass(frozen=True, slots=True)
class Tap:
    """One place of the input that is looked at."""

    input: int | None
    kernel: int  # the weight that it meets


def convolved(place: int, size: int, window: Window, mode: str) -> list[Tap]:
    """The whole kernel; `mode` is the `padding_mode` of torch."""
    fill = _FILLS[mode]
    return [
        Tap(i if 0 <= i < size else fill(i, size), kernel) for kernel, i in enumerate(window.inputs(place))
    ]  # fmt: skip


def transposed(place: int, size: int, window: Window) -> list[Tap]:
    """The inputs that are spread over this place: those with `place == i*stride - padding + dilation*kernel`."""
    found = []
    for kernel in range(window.kernel):
        steps = place + window.padding - window.dilation * kernel
        if steps % window.stride == 0 and 0 <= steps // window.stride < size:
            found.append(Tap(steps // window.stride, kernel))
    return found


def pooled(place: int, size: int, window: Window, *, counts_padding: bool) -> list[Tap]:
    """What a pool takes. A window that hangs over the padded edge, as `ceil_mode` lets it, is cut off there."""
    covered = enumerate(window.inputs(place))
    inside = [Tap(i if 0 <= i < size else None, kernel) for kernel, i in covered if i < size + window.padding]
    return inside if counts_padding else [tap for tap in inside if tap.input is not None]


def adapted(place: int, size: int, places: int) -> list[Tap]:
    """What an adaptive pool of so many places takes: from floor(place*size/places) to ceil((place + 1)*size/places)."""
    start, end = place * size // places, -((place + 1) * size // -places)
    return [Tap(i, kernel) for kernel, i in enumerate(range(start, end))]


def _reflected(i: int, size: int) -> int:
    return -i if i < 0 else 2 * (size - 1) - i


_FILLS: Final[Mapping[str, Callable[[int, int], int | None]]] = {
    "zeros": lambda _, __: None,
    "reflect": _reflected,
    "replicate": lambda i, size: 0 if i < 0 else size - 1,
    "circular": lambda i, size: i % size,
}
