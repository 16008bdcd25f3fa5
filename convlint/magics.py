"""IPython's own syntax in a notebook's cell, and the plain Python that stands for it row by row."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# Below these cell magics stands Python, whose names the other cells see or may as well see; below others anything.
_PYTHON_MAGICS: Final = frozenset(
    {"capture", "debug", "ipytest", "prun", "pypy", "python", "python3", "time", "timeit"},
)
# Line magics and aliases that people write without their `%`.
_AUTOMAGICS: Final = (
    "alias|bookmark|cat|cd|clear|colors|conda|config|cp|dhist|dirs|edit|env|gui|head|history|less|ll|load|load_ext|"
    "ls|lsmagic|magic|mamba|man|matplotlib|micromamba|mkdir|more|mv|notebook|page|pastebin|pdb|pdef|pdoc|pfile|pinfo|"
    "pip|popd|precision|prun|psearch|psource|pushd|pwd|pycat|pylab|rehashx|reload_ext|reset|rm|rmdir|run|save|"
    "set_env|sx|system|tail|time|timeit|unalias|unload_ext|uv|who|who_ls|whos|xdel|xmode"
)
_AUTOMAGIC: Final = re.compile(
    rf"(?:{_AUTOMAGICS})(?:[ \t]+(?!(?:and|else|for|if|in|is|not|or)\b)(?![-*/.]=)[\w.~/$*'\"-].*)?$"
)
_CELL_MAGIC: Final = re.compile(r"\s*%%(\S+)")
_HELP: Final = re.compile(r"""[^#'"]*[\w*\]]\?\??;?$""")
_ASSIGNED: Final = re.compile(r"([^=#!%(]*=[ \t]*)(?:!|%[A-Za-z_])")
_TIMED: Final = re.compile(r"(%?time[ \t]+)(.*)")  # of a line that is known to be magic
_ESCAPES: Final = ("!", "?", "%", ",", ";", "/")  # no statement of Python begins with one of these

_OUTSIDE: Final = re.compile(r"#|'''|\"\"\"|'|\"|[()\[\]{}]")
_ENDS: Final = {quote: re.compile(rf"(?:\\.|[^\\])*?{quote}") for quote in ("'", '"', "'''", '"""')}


@dataclass(frozen=True, slots=True)
class _Open:
    """What a line leaves open for the next one, so that no statement begins there."""

    depth: int = 0  # of brackets
    quote: str = ""  # of a string
    goes_on: bool = False  # after a backslash


def without_magics(text: str) -> str | None:
    """The text of a cell with its magics, commands and questions replaced, every row and column else as it was.

    None for a cell in another language. A text that is Python as it stands need not come here: strings that look
    like magics are told apart only as far as a look at brackets and quotes goes.
    """
    rows = list(_rows(text.split("\n")))
    return None if None in rows else "\n".join(row for row in rows if row is not None)


def _rows(lines: list[str]) -> Iterator[str | None]:
    left, in_magic = _Open(), False
    for line in lines:
        if in_magic:
            yield ""
            in_magic = line.endswith("\\")
            continue
        replaced = None if left != _Open() else _replaced(line)
        if replaced is not None:
            yield None if _is_foreign(line) else replaced
            in_magic = line.endswith("\\")
            continue
        yield line
        left = _after(line, left)


def _is_foreign(line: str) -> bool:
    found = _CELL_MAGIC.match(line)
    return found is not None and found[1] not in _PYTHON_MAGICS


def _replaced(line: str) -> str | None:
    """What stands for a line that a statement begins on; None if it is not a magic."""
    code = line.strip()
    if code.startswith(_ESCAPES) or _HELP.match(code) or _AUTOMAGIC.match(code):
        indentation = line[: len(line) - len(line.lstrip())]
        return _timed(line, indentation, "0;") or indentation + "pass"
    assigned = _ASSIGNED.match(line)
    if assigned is None:
        return None
    return _timed(line, assigned[1], "") or assigned[1] + "None"


def _timed(line: str, before: str, filler: str) -> str | None:
    """The statement that `%time` runs, at its own columns: `%time x = 1` is `0;    x = 1`."""
    found = _TIMED.match(line, len(before))
    kept = before + filler.ljust(len(found[1])) + found[2] if found else ""
    return kept if kept and isinstance(parsed(kept.strip()), ast.Module) else None


def parsed(text: str) -> ast.Module | SyntaxError:
    """The tree of a text, or why it is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a doubtful escape in the user's code is not our business
            return ast.parse(text)
    except SyntaxError as error:
        return error
    except (RecursionError, MemoryError):
        return SyntaxError("it is nested too deeply to be parsed")
    except ValueError as error:  # NUL, or half a surrogate pair
        return SyntaxError(str(error))


def _after(line: str, left: _Open) -> _Open:
    depth, quote, position = left.depth, left.quote, 0
    while True:
        found = _ENDS[quote].match(line, position) if quote else _OUTSIDE.search(line, position)
        if found is None:
            break
        position = found.end()
        token = found[0]
        if quote:
            quote = ""
        elif token == "#":
            return _Open(depth)
        elif token in _ENDS:
            quote = token
        else:
            depth = max(depth + (1 if token in "([{" else -1), 0)
    goes_on = line.endswith("\\")
    # A string in single quotes ends with its line, unless a backslash takes it on.
    return _Open(depth, quote if len(quote) == 3 or goes_on else "", goes_on)
