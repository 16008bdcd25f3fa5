"""An argument that was guessed, as a fact."""

from __future__ import annotations

import math
from typing import Any

from convlint.facts import GuessedArgument

_LONGEST = 40  # characters of its text
_LARGEST = 1000  # of the text of a value that is kept


def argument(name: str, value: Any) -> GuessedArgument:
    """With its value where that is plain and of a reasonable size."""
    text = " ".join((value.__name__ if isinstance(value, type) else repr(value)).split())
    short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
    if len(text) > _LARGEST or not _is_plain(value):
        return GuessedArgument(name=name, text=short)
    return GuessedArgument(name=name, text=short, value=_listed(value), is_plain=True)


def _is_plain(value: Any, depth: int = 0) -> bool:
    """Whether JSON can say it: no infinities, no halves of surrogate pairs."""
    if type(value) is float:
        return math.isfinite(value)
    if type(value) is str:
        return not any("\ud800" <= character <= "\udfff" for character in value)
    if type(value) in (list, tuple):
        return depth < 2 and all(_is_plain(one, depth + 1) for one in value)
    return type(value) in (bool, int)


def _listed(value: Any) -> Any:
    return tuple(_listed(one) for one in value) if isinstance(value, list | tuple) else value
