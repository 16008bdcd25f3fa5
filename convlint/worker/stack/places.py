"""Places in source files: from Python frames to spans."""

from __future__ import annotations

import linecache
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FrameType, TracebackType

from convlint.facts import Span
from convlint.notebook import is_notebook, open_notebook
from convlint.tracebacks import steps_of
from convlint.worker.stack.users import IsUser

Position = tuple[int, int, int, int]
"""Row, byte column, end row, end byte column, as the compiler and `ast` count them."""


@dataclass(frozen=True, slots=True)
class FramePlace:
    """Where a frame stood: its code and the instruction it was at."""

    code: CodeType
    instruction: int


def place_of(frame: FrameType) -> FramePlace:
    return FramePlace(frame.f_code, frame.f_lasti)


def user_place(frame: FrameType | None, is_user: IsUser) -> FramePlace | None:
    """The innermost place in the user's code, from a frame outwards."""
    while frame is not None:
        if is_user(frame.f_code.co_filename):
            return place_of(frame)
        frame = frame.f_back
    return None


def raised_at(error: BaseException, is_user: IsUser) -> FramePlace | None:
    """The innermost frame of the user's code that an error came through."""
    step = user_step(error, is_user)
    return None if step is None else FramePlace(step.tb_frame.f_code, step.tb_lasti)


def user_step(error: BaseException, is_user: IsUser) -> TracebackType | None:
    """The last step of an error's way that was in the user's code."""
    return next((step for step in steps_of(error) if is_user(step.tb_frame.f_code.co_filename)), None)


@lru_cache(maxsize=4096)
def _positions(code: CodeType) -> list[tuple[int | None, int | None, int | None, int | None]]:
    return list(code.co_positions())


@lru_cache(maxsize=65536)
def position_of(place: FramePlace) -> Position | None:
    """The span of the call that the frame was making."""
    row, end_row, column, end_column = _positions(place.code)[place.instruction // 2]
    if row is None or end_row is None or column is None or end_column is None:
        return None
    return row, column, end_row, end_column


def span_at(filename: str, position: Position) -> Span:
    """A span in characters, counted from 1."""
    row, column, end_row, end_column = position
    return Span(
        filename=filename,
        row=row,
        column=_character(filename, row, column) + 1,
        end_row=end_row,
        end_column=_character(filename, end_row, end_column) + 1,
    )


def _character(filename: str, row: int, byte_column: int) -> int:
    lines = _lines(filename)
    line = lines[row - 1] if 1 <= row <= len(lines) else ""
    return byte_column if line.isascii() else len(line.encode()[:byte_column].decode(errors="ignore"))


def _lines(filename: str) -> Sequence[str]:
    return _notebook_lines(filename) if is_notebook(filename) else linecache.getlines(filename)


@lru_cache(maxsize=16)
def _notebook_lines(filename: str) -> tuple[str, ...]:
    notebook = open_notebook(filename)
    return tuple(f"{line}\n" for line in notebook.source.split("\n")) if notebook is not None else ()


def text_lines(filename: str) -> Sequence[str]:
    """The lines of a file as they were executed, each with its end."""
    return _lines(filename)


def span_of(place: FramePlace) -> Span | None:
    position = position_of(place)
    return None if position is None else span_at(place.code.co_filename, position)


def line_span(filename: str, row: int) -> Span:
    """A whole line without the blanks around it, where no more is known of a place."""
    lines = _lines(filename)
    line = lines[row - 1].rstrip() if 1 <= row <= len(lines) else ""
    start = len(line) - len(line.lstrip())
    return Span(filename=filename, row=row, column=start + 1, end_row=row, end_column=max(len(line), start) + 1)
