"""What the composed nets are made of: pieces of `__init__` and `forward` that take one layout to another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

LAYOUTS = ("vector", "sequence", "signal", "image")
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Piece:
    """Lines of `__init__` and of `forward`, which rebinds `x`, and the shape that `x` has then."""

    forward: str
    shape: Shape
    init: str = ""
    layout: str | None = None  # None: what comes out is for no further piece
    dtype: str = "float32"


@dataclass(frozen=True)
class Stem:
    """How an input becomes a layout: what the input is, and the piece that follows."""

    piece: Piece
    inputs: tuple[str, ...]  # expressions of torch
    declared: str  # the directive's text


@dataclass(frozen=True)
class Draw:
    """A seeded choice of sizes."""

    random: Random

    def one(self, *values: int) -> int:
        return self.random.choice(values)

    def text(self, *values: str) -> str:
        return self.random.choice(values)

    def batch(self) -> int:
        return self.one(1, 2, 3, 4, 5, 6, 8, 10, 16, 32, 100)

    def features(self) -> int:
        return self.one(8, 12, 16, 24, 32)

    def length(self) -> int:
        return self.one(4, 5, 6, 7, 9, 10, 12)

    def size(self) -> int:
        return self.one(8, 12, 14, 16, 20, 28)


def layout_of(shape: Shape) -> str | None:
    """Rank three may be a sequence or a signal, so nothing that needs to know follows."""
    return {2: "vector", 4: "image"}.get(len(shape))


Fix = Callable[[Draw, Shape], Piece]
FIXES: dict[str, list[tuple[str, Fix]]] = {layout: [] for layout in LAYOUTS}


def fix(*layouts: str) -> Callable[[Fix], Fix]:
    """Registers a function that fixes a size of such a layout in code."""

    def register(function: Fix) -> Fix:
        for layout in layouts:
            FIXES[layout].append((function.__name__, function))
        return function

    return register
