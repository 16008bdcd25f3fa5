"""A line of source with its number, and marks under the place that is meant."""

from __future__ import annotations

from typing import Final

from convlint.diagnostics import Location
from convlint.reporters import source
from convlint.reporters.style import Line
from convlint.reporters.text import TAB_WIDTH, one_line, visible, width

LONGEST_LINE: Final = 160
_LEAD: Final = 40
_GUTTER: Final = "bold blue"


def gutter(margin: int, mark: str = "|", number: int | None = None) -> Line:
    """The left edge of a line, as wide as the largest row number."""
    shown = "" if number is None else str(number)
    return ((f"{shown:>{margin}} {mark}", _GUTTER),)


def excerpt(
    filename: str,
    start: Location,
    end: Location | None,
    *,
    margin: int,
    mark: str,
    style: str,
    label: str = "",
) -> list[Line]:
    """The line at `start` and the marks under it, or nothing where the file has no such line."""
    raw = source.line(filename, start.row)
    if raw is None:
        return []
    first = min(start.column - 1, len(raw))
    same_row = end is not None and end.row == start.row
    last = min(end.column - 1, len(raw)) if end is not None and same_row else len(raw.rstrip())
    if end is None:
        last = first + 1
    left, middle, right = _cropped(raw[:first], raw[first : max(last, first)], raw[max(last, first) :])
    text = left + middle + right
    marks = mark * max(width(middle), 1)
    note = f" {one_line(label)}" if label else ""
    return [
        (*gutter(margin, number=source.spot(filename, start.row).row), (f" {text.rstrip()}", "")),
        (*gutter(margin), (" " + " " * width(left), ""), (marks + note, style)),
    ]


def _cropped(left: str, middle: str, right: str) -> tuple[str, str, str]:
    """The three parts of a line, safe to print, and short enough to be read."""
    left, middle, right = (visible(part.replace("\t", " " * TAB_WIDTH)) for part in (left, middle, right))
    if len(left) + len(middle) + len(right) <= LONGEST_LINE:
        return left, middle, right
    if len(left) > _LEAD:
        left = "..." + left[-_LEAD:]
    room = LONGEST_LINE - len(left)
    if len(middle) > room:
        return left, middle[:room] + "...", ""
    room -= len(middle)
    return left, middle, right if len(right) <= room else right[:room] + "..."
