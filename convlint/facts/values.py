"""What all facts are made of: places, sizes, tensors and inputs, as plain JSON values."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Dim = int | str
"""A size: a number, or a formula in the symbols B, C, D, H, W, L such as `64*((H-4)//2)`."""

LARGEST_SIZE = 4096
"""The largest input size that is searched for one that works."""

Scalar = bool | int | float | str | None
Attribute = Scalar | tuple[Scalar, ...]

Ordinal = Annotated[int, Field(ge=1, le=2**31)]
"""A row or a column: facts come from a process that ran user code."""


class Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Span(Fact):
    """A place in a source file. Rows and columns count from 1; `end_column` is one past the last character."""

    filename: str
    row: Ordinal
    column: Ordinal
    end_row: Ordinal
    end_column: Ordinal


class TensorFact(Fact):
    shape: tuple[Dim, ...]
    dtype: str  # "float32"
    device: str = "cpu"
