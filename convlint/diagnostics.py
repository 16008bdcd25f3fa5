"""Findings: immutable values, made by the rules and only rendered by reporters and fixes."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from convlint.severity import Severity

Applicability = Literal["safe", "unsafe"]


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Location(Value):
    """A point in a file, counted from 1."""

    row: int
    column: int


class Place(Value):
    filename: str
    location: Location
    end_location: Location


class Related(Value):
    """A place to show, which has an end, or a step of the shapes that led to the finding, which has none."""

    filename: str
    location: Location
    end_location: Location | None = None
    message: str
    made_at: Place | None = None  # of a step: where its layer is constructed


class Edit(Value):
    content: str
    location: Location
    end_location: Location


class Fix(Value):
    applicability: Applicability
    message: str
    edits: tuple[Edit, ...]


class Side(Value):
    """One operand of an operation whose operands do not fit: the call or input that it comes from, and what differs."""

    title: str | None
    shape: tuple[int | str, ...]
    differs: tuple[int, ...]  # dims


class Diagnostic(Value):
    """One finding. `expected` is what the layer declares, `actual` what reaches it."""

    code: str
    name: str
    severity: Severity
    message: str
    filename: str
    location: Location
    end_location: Location
    model: str | None = None
    layer: str | None = None
    expected: int | str | None = None
    actual: int | str | None = None
    formula: str | None = None
    hint: str | None = None
    also: tuple[str, ...] = ()  # the other layers or calls that the same mistake breaks
    sides: tuple[Side, ...] = ()
    related: tuple[Related, ...] = ()
    fix: Fix | None = None
    url: str | None = None
