"""One kind of operation: the layers and functions that do it, and what is to be said of each call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from convlint.ops.argument import LayerArgument
from convlint.ops.expression import Values
from convlint.ops.operation import Operation
from convlint.ops.work import Work


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers for a model's symbols."""

    samples: tuple[Values, ...]  # sizes at which laws are held against the trace
    example: Values  # the smallest sizes that work, where these are few


Law = Callable[[Operation, Numbers], Iterator[tuple[int, str]]]
"""Gives the index of a size in the output, counted from the end, and the text that works it out."""


@dataclass(frozen=True, slots=True)
class OperationKind:
    """What is known of all operations of one name; layers and functions by the last part of their public names.

    `spatial` kinds exist for one, two and three dims, with the number after the name: `Conv2d`.
    """

    name: str
    layers: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    arguments: tuple[str | None, ...] = ()  # the names of a function's arguments by their places; None for tensors
    spatial: bool = False
    law: Law | None = None
    of_pixels: bool = False  # whether the law's sizes are those of an image
    work: Callable[[Operation], Work] | None = None
    meaning: Callable[[Operation], str | None] | str | None = None
    declares: tuple[LayerArgument, ...] = ()  # arguments of the layers that no kind before has

    def say(self, operation: Operation) -> str | None:
        """What an operation does, in a plain sentence; None where its name says all that is known."""
        return self.meaning if self.meaning is None or isinstance(self.meaning, str) else self.meaning(operation)
