"""Reading Python files and notebooks: whatever is wrong with one becomes a value, never an exception."""

from __future__ import annotations

import ast
import os
import stat
import warnings

from convlint.facts import Failure, Span
from convlint.notebook import CellError, Unreadable, is_notebook, python_source, read_notebook

LARGEST = 4 << 20
"""Characters of the largest text that is parsed: a syntax tree takes a hundred times the memory of its text."""


def read(path: str, filename: str) -> bytes | Failure:
    """The bytes of a regular file."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return _unreadable(filename, "it is not a regular file")
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        return _unreadable(filename, error.strerror or str(error))


def decode(data: bytes, filename: str) -> str | Failure:
    """The Python text of a file or a notebook."""
    try:
        return python_source(filename, data)
    except Unreadable as error:
        return _unreadable(filename, str(error), error.row)


def broken_cells(data: bytes, filename: str) -> tuple[Failure, ...]:
    """The cells of a notebook that its text leaves out because they are no Python; of any other file none."""
    if not is_notebook(filename):
        return ()
    try:
        errors = read_notebook(data).errors
    except Unreadable:
        return ()
    return tuple(Failure(kind="syntax", message=error.message, at=_cell_span(error, filename)) for error in errors)


def parse(text: str, filename: str) -> ast.Module | Failure:
    if len(text) > LARGEST:
        reason = f"it has {len(text) >> 20} MB of code, and more than {LARGEST >> 20} MB are not parsed"
        return _unreadable(filename, reason)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a doubtful escape in the user's code is not our business
            return ast.parse(text, filename)
    except SyntaxError as error:
        return Failure(kind="syntax", message=error.msg, at=_syntax_span(error, filename))
    except (RecursionError, MemoryError):
        return _unreadable(filename, "it is nested too deeply to be parsed")
    except ValueError as error:
        return _unreadable(filename, str(error))


def load_bytes(data: bytes, filename: str) -> ast.Module | Failure:
    """Decode and parse in one step."""
    text = decode(data, filename)
    return text if isinstance(text, Failure) else parse(text, filename)


def _unreadable(filename: str, reason: str, row: int = 1) -> Failure:
    at = Span(filename=filename, row=row, column=1, end_row=row, end_column=1)
    return Failure(kind="unreadable", message=reason, at=at)


def _syntax_span(error: SyntaxError, filename: str) -> Span:
    # CPython leaves rows and columns out, or sets them to 0 or -1, where it does not know them.
    row = max(error.lineno or 1, 1)
    column = max(error.offset or 1, 1)
    end_row = max(error.end_lineno or row, row)
    end_column = max(error.end_offset or column, column if end_row == row else 1)
    return Span(filename=filename, row=row, column=column, end_row=end_row, end_column=end_column)


def _cell_span(error: CellError, filename: str) -> Span:
    return Span(
        filename=filename,
        row=error.row,
        column=error.column,
        end_row=error.end_row,
        end_column=error.end_column,
    )
