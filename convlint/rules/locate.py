"""Where a finding stands: the place to change, before the place where it shows."""

from __future__ import annotations

from convlint.diagnostics import Location
from convlint.facts import Span, Unmet
from convlint.rules.environment import Environment


def primary(environment: Environment, unmet: Unmet | None) -> Span:
    """The argument at fault, else the constructor call, else the line of forward, else the model's row."""
    failure, model, node, layer = (
        environment.failure,
        environment.model,
        environment.node,
        environment.layer,
    )
    places: list[Span | None] = [failure.at if failure is not None else None]
    places.extend(effect.at for effect in environment.effects[:1])
    places.append(environment.trouble.at if environment.trouble is not None else None)
    if unmet is not None:
        places.append(unmet.at)
        if layer is not None and unmet.argument is not None:
            places.append(layer.arguments.get(unmet.argument))
        if unmet.argument is None and node is not None:
            # No argument is at fault (a forgotten flatten, a map too small): the call must change.
            places.append(node.call)
    places.append(layer.site if layer is not None else None)
    places.append(node.call if node is not None else None)
    for place in places:
        if place is not None:
            return place
    return row_span(environment.file.filename, model.row if model is not None else 1)


def argument_span(environment: Environment, unmet: Unmet | None, argument: str | None) -> Span | None:
    """The expression in the user's code that gave a constructor argument."""
    blamed = unmet.argument if unmet is not None else None
    name = argument or blamed
    if unmet is not None and unmet.at is not None and name is not None and name == blamed:
        return unmet.at
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
