"""Reading Python files: whatever is wrong with one becomes a value, never an exception."""

from __future__ import annotations

import ast
import io
import os
import stat
import tokenize
import warnings

from convlint.facts import Failure, Span


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
    """The text of a file in the encoding that it declares (PEP 263), or UTF-8."""
    if b"\0" in data:
        row = data[: data.index(b"\0")].count(b"\n") + 1
        return _unreadable(filename, "it holds NUL bytes, so it is no text", row)
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        byte = data[error.start]
        return _unreadable(filename, f"byte 0x{byte:02x} is not valid {error.encoding}", row)
    except (SyntaxError, LookupError) as error:
        return _unreadable(filename, str(error), 1)


def parse(text: str, filename: str) -> ast.Module | Failure:
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


def load(path: str, filename: str) -> ast.Module | Failure:
    """Read, decode and parse in one step."""
    data = read(path, filename)
    return data if isinstance(data, Failure) else load_bytes(data, filename)


def load_bytes(data: bytes, filename: str) -> ast.Module | Failure:
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
