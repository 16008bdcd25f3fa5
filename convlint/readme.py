"""READMEs: the Python in their fenced blocks as one text, with every line on its own row."""

from __future__ import annotations

import ast
import os
import re
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

_NAME = re.compile(r"readme([._-]\w+)?\.(md|markdown)", re.I)
_FENCE = re.compile(r"\s*(`{3,}|~{3,})\s*\{?\.?([\w+-]*)")
_PYTHON = frozenset({"", "py", "python", "python3", "pycon"})
_IMPORT = re.compile(r"^(?:from|import)\s", re.M)
_MOST_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class _Block:
    fence: int  # the index of the line that opens it
    text: str


def is_readme(path: str) -> bool:
    """By the name alone."""
    return _NAME.fullmatch(os.path.basename(path)) is not None


def python_in(text: str) -> str:
    """The blocks as functions that nobody calls, so that each has its own `model`; by their name they make none.

    A block that imports nothing goes on with the names of the one before it. What is no Python becomes empty lines.
    """
    lines = text.split("\n")[:_MOST_ROWS]
    result = [""] * len(lines)
    is_open = False
    for block in _blocks(lines):
        if not _is_python(block.text):
            continue
        if not is_open or _IMPORT.search(block.text):
            result[block.fence] = f"def run_line_{block.fence + 1}():"
            is_open = True
        for number, line in enumerate(block.text.split("\n"), block.fence + 1):
            result[number] = f" {line}" if line.strip() else ""
    return "\n".join(result)


def _blocks(lines: list[str]) -> Iterator[_Block]:
    start: int | None = None
    mark = language = ""
    for number, line in enumerate(lines):
        match = _FENCE.match(line)
        if match is None:
            continue
        if start is None:
            start, mark, language = number, match[1], match[2].lower()
        elif match[1].startswith(mark) and line.strip() == match[1]:
            if language in _PYTHON and number > start + 1:
                yield _Block(start, _plain(lines[start + 1 : number]))
            start = None


def _plain(lines: list[str]) -> str:
    """Without the prompts of a session and what it printed."""
    prompts = (">>> ", "... ")
    inner = textwrap.dedent("\n".join(lines)).split("\n")
    if any(line.startswith(">>>") for line in inner):
        inner = [line[4:] if line.startswith(prompts) else "" for line in inner]
    return "\n".join(inner)


def _is_python(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a doubtful escape in an example is not our business
            ast.parse("def block():\n" + textwrap.indent(text, " "))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
