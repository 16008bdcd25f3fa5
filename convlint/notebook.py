"""Jupyter notebooks: their code cells as one Python text, and which cell a row of it stands in."""

from __future__ import annotations

import ast
import io
import json
import os
import tokenize
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from convlint.magics import parsed, without_magics
from convlint.readme import is_readme, python_in

SUFFIX: Final = ".ipynb"
SUFFIXES: Final = (".py", SUFFIX)
"""How the names of the files end that hold Python."""


class Unreadable(ValueError):
    """A file that gives no text, and the row that says why."""

    def __init__(self, reason: str, row: int = 1) -> None:
        super().__init__(reason)
        self.row = row


@dataclass(frozen=True, slots=True)
class Cell:
    """A code cell."""

    number: int  # among all cells, counted from 1
    first: int  # its first row in the joined text
    lines: tuple[str, ...]  # as the notebook has them, magics and all


@dataclass(frozen=True, slots=True)
class CellError:
    """Why a cell is no Python; rows are those of the joined text."""

    message: str
    row: int
    column: int
    end_row: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Notebook:
    """The code of a notebook. Each cell has as many rows in `source` as in itself; one that is no Python is blank."""

    source: str = ""
    cells: tuple[Cell, ...] = ()
    errors: tuple[CellError, ...] = ()

    def locate(self, row: int) -> tuple[Cell, int] | None:
        """The cell that a row of the source stands in, and the row there."""
        index = bisect_right(self.cells, row, key=lambda cell: cell.first) - 1
        if index < 0:
            return None
        cell = self.cells[index]
        inner = row - cell.first + 1
        return (cell, inner) if inner <= len(cell.lines) else None


def is_notebook(path: str) -> bool:
    """By the name, as everywhere."""
    return path.endswith(SUFFIX)


def python_source(path: str, data: bytes) -> str:
    """The Python text in the bytes of a file, a notebook or a README. Raises Unreadable, a ValueError.

    Of a notebook in another language that is not a text at all.
    """
    if is_notebook(path):
        return read_notebook(data).source
    return python_in(_decoded(data)) if is_readme(path) else _decoded(data)


@lru_cache(maxsize=1)  # discovery asks for a notebook's text and for its errors, one after the other
def read_notebook(data: bytes) -> Notebook:
    """Raises Unreadable for bytes that are no notebook."""
    document = _document(data)
    if not _is_python(document):
        return Notebook()
    cells: list[Cell] = []
    texts: list[str] = []
    errors: list[CellError] = []
    first = 1
    for number, text in _code(document):
        cell = Cell(number, first, tuple(text.split("\n")))
        python = _python(text)
        if isinstance(python, SyntaxError):
            errors.append(_cell_error(python, cell))
            python = _blank(text)
        cells.append(cell)
        texts.append(python)
        first += len(cell.lines)
    return Notebook("".join(text + "\n" for text in texts), tuple(cells), tuple(errors))


@lru_cache(maxsize=64)
def open_notebook(path: str) -> Notebook | None:
    """The notebook at a path; None for any other file, and for one that is gone or cannot be read."""
    if not is_notebook(path) or not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as file:
            return read_notebook(file.read())
    except (OSError, Unreadable):
        return None


def line_of(path: str, row: int) -> str:
    """A row of a file in words: "line 31", or "cell 3, line 5" of a notebook."""
    notebook = open_notebook(path)
    place = notebook.locate(row) if notebook is not None else None
    return f"line {row}" if place is None else f"cell {place[0].number}, line {place[1]}"


def _decoded(data: bytes) -> str:
    """In the encoding that the file declares (PEP 263), or UTF-8."""
    _refuse_nul(data)
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _undecodable(data, error) from None
    except (SyntaxError, LookupError) as error:
        raise Unreadable(str(error)) from None


def _document(data: bytes) -> dict[str, Any]:
    _refuse_nul(data)
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _undecodable(data, error) from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"it is no Jupyter notebook: not valid JSON ({error.msg})", error.lineno) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(f"it is no Jupyter notebook that can be read: {error}") from None
    if not isinstance(document, dict):
        raise Unreadable("it is no Jupyter notebook: it holds no JSON object")
    return document


def _refuse_nul(data: bytes) -> None:
    if b"\0" in data:
        row = data[: data.index(b"\0")].count(b"\n") + 1
        raise Unreadable("it contains NUL bytes, so it is not a text file", row)


def _undecodable(data: bytes, error: UnicodeDecodeError) -> Unreadable:
    row = data[: error.start].count(b"\n") + 1
    return Unreadable(f"byte 0x{data[error.start]:02x} is not valid {error.encoding}", row)


def _is_python(document: dict[str, Any]) -> bool:
    """What the kernel said of itself goes before what it was asked to be; a notebook that says nothing is Python."""
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        language = _inner(document, "metadata", key).get(name)
        if isinstance(language, str):
            return language.lower() == "python"
    return True


def _inner(value: dict[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        found = value.get(key)
        value = found if isinstance(found, dict) else {}
    return value


def _code(document: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Number and text of each code cell in Python."""
    for number, cell in enumerate(_cells(document), 1):
        if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str):
            raise Unreadable(f"it is no Jupyter notebook: cell {number} has no type")
        if cell["cell_type"] != "code":
            continue
        source = cell.get("source", cell.get("input"))  # "input" up to version 3 of the format
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(source, str):
            raise Unreadable(f"it is no Jupyter notebook: cell {number} has no text")
        language = _inner(cell, "metadata", "vscode").get("languageId", cell.get("language", "python"))
        if language == "python":
            yield number, source.replace("\r\n", "\n").replace("\r", "\n")


def _cells(document: dict[str, Any]) -> Sequence[object]:
    """Up to version 3 of the format they lie in worksheets."""
    found = document.get("cells")
    if isinstance(found, list):
        return found
    sheets = document.get("worksheets")
    lists = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)] if isinstance(sheets, list) else []
    if not lists or not all(isinstance(cells, list) for cells in lists):
        raise Unreadable("it is no Jupyter notebook: it has no list of cells")
    return [cell for cells in lists for cell in cells or ()]


def _python(text: str) -> str | SyntaxError:
    """The Python in a cell's text, row for row; the error if it is none."""
    tree = parsed(text)
    if isinstance(tree, SyntaxError):
        replaced = without_magics(text)
        if replaced is None:
            return _blank(text)
        if replaced == text:
            return tree
        text, tree = replaced, parsed(replaced)
    return tree if isinstance(tree, SyntaxError) else _without_awaits(text, tree)


def _blank(text: str) -> str:
    return "\n" * text.count("\n")


def _without_awaits(text: str, tree: ast.Module) -> str:
    """Without the statements that only IPython can run, because they await outside of a function."""
    if "await" not in text and "async" not in text:
        return text
    lines = text.split("\n")
    for statement in tree.body:
        if _awaits(statement):
            rows = slice(statement.lineno - 1, statement.end_lineno)
            lines[rows] = [""] * len(lines[rows])
    without = "\n".join(lines)
    return text if isinstance(parsed(without), SyntaxError) else without


def _awaits(statement: ast.stmt) -> bool:
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith) or getattr(node, "is_async", False):
            return True
        pending.extend(ast.iter_child_nodes(node))
    return False


def _cell_error(error: SyntaxError, cell: Cell) -> CellError:
    # CPython leaves rows and columns out, or sets them to 0 or -1, where it does not know them.
    row = min(max(error.lineno or 1, 1), len(cell.lines))
    column = max(error.offset or 1, 1)
    end_row = min(max(error.end_lineno or row, row), len(cell.lines))
    end_column = max(error.end_offset or column, column if end_row == row else 1)
    shift = cell.first - 1
    return CellError(error.msg or "invalid syntax", row + shift, column, end_row + shift, end_column)
