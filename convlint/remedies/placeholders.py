"""Plausible values for what only the user knows, to be put into a configuration and marked as to be filled in."""

from __future__ import annotations

from typing import Final

from convlint.conventions import argument_convention, input_convention, left_out_shape, usual_size
from convlint.facts import Dim

Plain = bool | int | float | str | list["Plain"]
"""What TOML can say of an argument."""

IMAGE: Final[tuple[Dim, ...]] = ("B", 3, 224, 224)
OTHER_VALUE: Final = 2
"""For a parameter of forward that takes no tensor, and whose name says no more."""


def argument(name: str) -> Plain | None:
    """A value for an argument of a constructor; None where it takes code to make one."""
    example = argument_convention(name).example
    return [*example] if isinstance(example, tuple) else example


def plain_or_shape(name: str) -> Plain | tuple[Dim, ...]:
    """For a parameter of forward that was not taken for a tensor: a plain value, or as a tuple the shape of one."""
    convention = input_convention(name)
    if convention is not None and convention.value is not None:
        return convention.value
    return left_out_shape(name) or OTHER_VALUE


def shape(sizes: tuple[Dim, ...], *, keep: str) -> tuple[Dim, ...]:
    """The shape with numbers for its symbols, but for those whose letters are to be kept."""
    return tuple(size if isinstance(size, int) or size[:1] in keep else usual_size(size) for size in sizes)
