"""Where the knowledge about an input comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from convlint import facts


@dataclass(frozen=True, slots=True)
class ShapeSource:
    """What gave an input its shape. Sources are compared; only reports read the words."""

    origin: facts.InputOrigin
    words: str | None = None  # "conv1 (Conv2d)", "train.py, line 31"

    @property
    def is_confirmed(self) -> bool:
        """Whether a layer or something in the project confirms it."""
        return self.origin not in facts.UNCONFIRMED


GUESSED: Final = ShapeSource("guessed")
TRIED: Final = ShapeSource("tried")
NAMED: Final = ShapeSource("name")
ANNOTATED: Final = ShapeSource("annotation")
