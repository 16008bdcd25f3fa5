"""One call of a layer in a real run, and the place of its output that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch

from convlint.facts import Breakdown

_PIXELS: Final[Mapping[int, tuple[str, ...]]] = {
    0: (),
    1: ("position",),
    2: ("row", "column"),
    3: ("depth", "row", "column"),
}


class NotShown(Exception):
    """Why a number is not taken apart; the reason is the message."""


@dataclass(frozen=True)
class LayerCase:
    """`layer` is one of the kinds that are known; its attributes are read as torch documents them."""

    layer: Any
    input: torch.Tensor  # as it came
    has_batch: bool
    at: tuple[int, ...]  # after the batch
    sizes: tuple[int, ...]
    axes: tuple[str, ...]
    given: float
    dtype: str  # of the output

    @property
    def sample(self) -> torch.Tensor:
        """The input without the batch."""
        return self.input[0] if self.has_batch else self.input

    def breakdown(self, **parts: Any) -> Breakdown:
        """With what the layer makes the number of."""
        return Breakdown(
            at=self.at,
            sizes=self.sizes,
            axes=self.axes,
            has_batch=self.has_batch,
            given=self.given,
            dtype=self.dtype,
            **parts,
        )


Take = Callable[[LayerCase], Breakdown]
"""Takes a number of a layer's output apart."""


@dataclass(frozen=True, slots=True)
class LayerBreakdown:
    """How the numbers of a kind of layer are taken apart, and what the sizes of its output are."""

    take: Take
    spatial: int | None = None  # how many sizes stand after the channels; None: any number
    has_channels: bool = True  # else the features come last


def pixel_axes(count: int) -> tuple[str, ...]:
    """The names of so many sizes after the channels."""
    return _PIXELS.get(count) or numbered(count)


def feature_axes(count: int) -> tuple[str, ...]:
    """The names of so many sizes of which the last are the features."""
    return (*(("position",) if count == 2 else numbered(count - 1)), "feature") if count else ()


def numbered(count: int) -> tuple[str, ...]:
    return tuple(f"position {i + 1}" for i in range(count))


def place(at: Sequence[int] | None, sizes: Sequence[int], axes: Sequence[str], layer: str) -> tuple[int, ...]:
    """The place that is asked for, by default the first. Raises NotShown where the output has none such."""
    shape = "x".join(map(str, sizes))
    if 0 in sizes:
        raise NotShown(f"the output of {layer} is empty: {shape} behind the batch")
    if at is None:
        return (0,) * len(sizes)
    written = ",".join(map(str, at))
    if len(at) != len(sizes):
        raise NotShown(
            f"--at {written} has {len(at)} numbers, but the output of {layer} has {len(sizes)} sizes behind the batch, "
            f"{shape}: write {','.join(axes)}"
        )
    if not all(0 <= i < size for i, size in zip(at, sizes, strict=True)):
        last = ",".join(str(size - 1) for size in sizes)
        raise NotShown(
            f"--at {written} lies outside of the output of {layer}, which is {shape} behind the batch: "
            f"its last place is {last}"
        )
    return tuple(at)
