"""Lines of the user's files, for excerpts. A file that is gone or changed gives none."""

from __future__ import annotations

import tokenize
from functools import lru_cache
from pathlib import Path


def line(filename: str, row: int) -> str | None:
    """One line of a file without its end, or None."""
    lines = _lines(filename)
    return lines[row - 1] if 1 <= row <= len(lines) else None


def forget() -> None:
    """Read files anew from now on."""
    _lines.cache_clear()


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
