"""The user's files as readers see them: the rows of notebooks are those of a cell; a file that is gone has no lines."""

from __future__ import annotations

import tokenize
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from convlint.notebook import Cell, line_of, open_notebook


@dataclass(frozen=True, slots=True)
class Spot:
    """A row as a reader finds it."""

    filename: str
    cell: int | None  # of a notebook, counted from 1
    row: int  # in the cell

    def __str__(self) -> str:
        return f"{self.filename}:{self.row}" if self.cell is None else f"{self.filename}:cell {self.cell}:{self.row}"


def spot(filename: str, row: int) -> Spot:
    """Where a row of a file is found."""
    place = _in_cell(filename, row)
    return Spot(filename, None, row) if place is None else Spot(filename, place[0].number, place[1])


def beside(filename: str, row: int, at_hand: str) -> str:
    """Where a row is found by a reader who has a file at hand."""
    return line_of(filename, row) if filename == at_hand else str(spot(filename, row))


def line(filename: str, row: int) -> str | None:
    """One line of a file without its end, or None."""
    if open_notebook(filename) is not None:
        place = _in_cell(filename, row)
        return place[0].lines[place[1] - 1] if place is not None else None
    lines = _lines(filename)
    return lines[row - 1] if 1 <= row <= len(lines) else None


def forget() -> None:
    """Read files again from now on."""
    _lines.cache_clear()
    open_notebook.cache_clear()


def _in_cell(filename: str, row: int) -> tuple[Cell, int] | None:
    notebook = open_notebook(filename)
    return notebook.locate(row) if notebook is not None else None


@lru_cache(maxsize=64)
def _lines(filename: str) -> tuple[str, ...]:
    try:
        if not Path(filename).is_file():  # a pipe or a device would block
            return ()
        with tokenize.open(filename) as stream:
            text = stream.read()
    except (OSError, SyntaxError, UnicodeDecodeError, ValueError):
        return ()
    return tuple(text.split("\n"))  # not splitlines(), which counts form feeds as rows
