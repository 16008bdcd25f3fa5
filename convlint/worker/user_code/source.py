"""The source text and tree of the user's files, read once."""

from __future__ import annotations

import ast
import io
import linecache
from functools import lru_cache

from convlint.discovery.source import decode, read
from convlint.facts import Failure

replaced = dict[str, str]()
"""By file: the text that takes the place of what lies on the disk, before anything is read."""


@lru_cache(maxsize=256)
def text_of(filename: str) -> str:
    """The Python text of a file. Raises OSError or SyntaxError with the reason why there is none."""
    text = replaced.get(filename) or _read(filename)
    # Tracebacks and spans read lines from here: what was executed, not what lies on the disk by then.
    linecache.cache[filename] = (len(text), None, io.StringIO(text).readlines(), filename)
    return text


def _read(filename: str) -> str:
    data = read(filename, filename)
    text = data if isinstance(data, Failure) else decode(data, filename)
    if isinstance(text, Failure):
        raise OSError(f"{filename}: {text.message}")
    return text


@lru_cache(maxsize=256)
def parse(filename: str) -> ast.Module:
    """The parsed file. Raises what `text_of` and the parser raise."""
    return ast.parse(text_of(filename), filename)


def tree_of(filename: str) -> ast.Module | None:
    """The parsed file, or None where it cannot be parsed."""
    try:
        return parse(filename)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None
