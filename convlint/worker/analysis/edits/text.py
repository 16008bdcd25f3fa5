"""The user's text with some changes made, and where its positions stood before them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from convlint.facts import Change

Step = tuple[int, int, int]
"""Where a change began and ended in the old text, and how long its new text is."""


@dataclass(frozen=True)
class EditedText:
    """`text` is `before` with every change made."""

    before: str
    text: str
    steps: tuple[Step, ...]

    def position_before(self, row: int, column: int) -> tuple[int, int]:
        """Where what is now at this row and column, counted from 1, stood before the changes."""
        offset = _starts(self.text)[row - 1] + column - 1
        moved = 0
        for start, end, length in self.steps:
            if offset < start + moved:
                break
            if offset < start + moved + length:
                return _position(self.before, start)
            moved += length - (end - start)
        return _position(self.before, offset - moved)


def edited(text: str, changes: Iterable[Change]) -> EditedText | None:
    """The text with the changes, all of one file; None where two of them overlap."""
    starts = _starts(text)
    pieces = sorted(
        (starts[one.at.row - 1] + one.at.column - 1, starts[one.at.end_row - 1] + one.at.end_column - 1, one.text)
        for one in changes
    )
    made: list[str] = []
    done = 0
    for start, end, new in pieces:
        if start < done:
            return None
        made += [text[done:start], new]
        done = end
    steps = tuple((start, end, len(new)) for start, end, new in pieces)
    return EditedText(text, "".join([*made, text[done:]]), steps)


def _starts(text: str) -> list[int]:
    """The offset at which each line begins."""
    return [0, *accumulate(len(line) for line in text.splitlines(keepends=True))]


def _position(text: str, offset: int) -> tuple[int, int]:
    starts = _starts(text)
    row = bisect_right(starts, offset)
    return row, offset - starts[row - 1] + 1
