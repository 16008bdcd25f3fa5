"""Where a finding stands: the place to change, before the place where it shows."""

from __future__ import annotations

from collections.abc import Iterator

from convlint.diagnostics import Location
from convlint.facts import Span, Violation
from convlint.rules.environment import Environment


def primary(environment: Environment, violation: Violation | None) -> Span:
    """The argument at fault, else the constructor call, else the line of forward, else the model's row."""
    model = environment.model
    for place in _places(environment, violation):
        if place is not None:
            return place
    return row_span(environment.file.filename, model.row if model is not None else 1)


def _places(environment: Environment, violation: Violation | None) -> Iterator[Span | None]:
    """Where a finding may stand, the best place first; None for one that is not known."""
    for cause in (environment.failure, *environment.effects[:1], environment.trouble):
        if cause is not None:
            yield cause.at
    node, layer = environment.node, environment.layer
    if violation is not None:
        yield violation.at
        if layer is not None and violation.argument is not None:
            yield layer.arguments.get(violation.argument)
        if node is not None and violation.argument is None:
            # No argument is at fault (a forgotten flatten, a map too small): the call must change.
            yield node.call
    if layer is not None:
        yield layer.site
    if node is not None:
        yield node.call


def argument_span(environment: Environment, violation: Violation | None, argument: str | None) -> Span | None:
    """The expression in the user's code that gave a constructor argument."""
    blamed = violation.argument if violation is not None else None
    name = argument or blamed
    if violation is not None and violation.at is not None and name is not None and name == blamed:
        return violation.at
    layer = environment.layer
    return layer.arguments.get(name) if layer is not None and name is not None else None


def row_span(filename: str, row: int) -> Span:
    """The beginning of a row."""
    return Span(filename=filename, row=row, column=1, end_row=row, end_column=1)


def start(span: Span) -> Location:
    """Where a span begins."""
    return Location(row=span.row, column=span.column)


def end(span: Span) -> Location:
    """Where a span ends."""
    return Location(row=span.end_row, column=span.end_column)


def overlaps(one: Span, other: Span) -> bool:
    """Whether two spans share a character."""
    if one.filename != other.filename:
        return False
    return (one.row, one.column) <= (other.end_row, other.end_column) and (other.row, other.column) <= (
        one.end_row,
        one.end_column,
    )
