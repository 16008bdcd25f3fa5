"""What an argument or an input usually holds, by its name; `conventions.toml` has the names."""

from __future__ import annotations

import re
import tomllib
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

ArgumentKind = Literal[
    "classes", "vocab", "heads", "head_size", "layers", "kernel", "one", "scale", "rate", "image", "patch",
    "length", "flag", "off", "device", "norm", "activation", "block", "sizes", "counts", "config", "words", "module",
    "weights", "input", "output", "hidden", "channels", "text", "count", "size", "dtype", "pair", "function", "path",
    "kernels",
]  # fmt: skip

Example = bool | int | float | str | tuple[int, ...]
"""A value to write, as TOML can say it."""

OTHER_SIZE = 64
"""The size to write where no name says more."""

_TABLE = Path(__file__).with_name("conventions.toml")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class _Entry(BaseModel):
    """What names that fit one of the patterns stand for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    patterns: tuple[str, ...]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(f"(?:{pattern})" for pattern in self.patterns))

    def fits(self, word: str) -> bool:
        return self._pattern.fullmatch(word) is not None


class ArgumentConvention(_Entry):
    """Of a constructor's argument: the kind of its values, and one of them unless it takes an object."""

    kind: ArgumentKind
    example: Example | None = None


class InputConvention(_Entry):
    """Of an input of forward: the shape of a tensor, or a plain value; one with neither may be left out."""

    shape: tuple[int | str, ...] | None = None
    dtype: str = "float32"
    value: bool | int | float | str | None = None


class _LeftOut(_Entry):
    """Of an input that forward may do without, the shape where it is given."""

    shape: tuple[int | str, ...]


class _Conventions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sizes: dict[str, int]
    argument: tuple[ArgumentConvention, ...]
    input: tuple[InputConvention, ...]
    left_out: tuple[_LeftOut, ...]


_ANY_SIZE = ArgumentConvention(patterns=(".*",), kind="size", example=OTHER_SIZE)


@cache
def argument_convention(name: str) -> ArgumentConvention:
    """The convention for a constructor's argument; where no name fits, that of a size."""
    word = _words(name)
    return next((entry for entry in _conventions().argument if entry.fits(word)), _ANY_SIZE)


def argument_kind(name: str) -> ArgumentKind:
    """The kind of value that a constructor's argument of this name usually takes."""
    return argument_convention(name).kind


@cache
def input_convention(name: str) -> InputConvention | None:
    """The convention for a parameter of forward; None where no name fits."""
    word = _words(name)
    return next((entry for entry in _conventions().input if entry.fits(word)), None)


def left_out_shape(name: str) -> tuple[int | str, ...] | None:
    """The shape of an input that a model was followed without; None where no name says that it is a tensor."""
    word = _words(name)
    return next((entry.shape for entry in _conventions().left_out if entry.fits(word)), None)


def usual_size(symbol: str) -> int:
    """The size to write for a symbol: `H2` -> 224."""
    return _conventions().sizes.get(symbol.rstrip("0123456789"), OTHER_SIZE)


@cache
def _conventions() -> _Conventions:
    return _Conventions.model_validate(tomllib.loads(_TABLE.read_text(encoding="utf-8")))


def _words(name: str) -> str:
    """`numClasses` -> `num_classes`."""
    return _CAMEL.sub("_", name).lower().strip("_")
