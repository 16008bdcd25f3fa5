"""The arguments of a constructor that nobody gives, as a line of configuration."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from convlint.facts import ModelFacts
from convlint.remedies.placeholders import Plain, argument
from convlint.remedies.stanza import Setting, is_sayable, table, value

GUESSED: Final = "guessed: "
"""How the facts begin to tell of a construction whose arguments are no more than plausible."""

_FAILURES: Final = re.compile(r"its constructor (needs|raises|stops)|the arguments declared for ")


class CodeNeeded(Exception):
    """An argument is an object, and TOML has only values."""


def arguments_of(model: ModelFacts) -> tuple[Setting, ...]:
    """`kwargs = { ... }` with all that the constructor needs; nothing where that is known. Raises CodeNeeded."""
    if model.construction is None:
        is_refused = _FAILURES.match(model.reason or "") is not None
        return _setting(model.required, {}) if is_refused else ()
    if not model.construction.startswith(GUESSED) or not model.required:
        return ()
    return _setting(model.required, guesses(model.construction, model.required))


def guesses(construction: str, names: Sequence[str]) -> dict[str, str]:
    """The Python text of each guessed value: `guessed: width=64, kernel=(3, 3)`."""
    text = construction.removeprefix(GUESSED)
    with suppress(SyntaxError, ValueError, MemoryError, RecursionError):
        call = ast.parse(f"f({text})", mode="eval").body
        if isinstance(call, ast.Call):
            return {one.arg: ast.unparse(one.value) for one in call.keywords if one.arg is not None}
    return _parts(text, names)


def _parts(text: str, names: Sequence[str]) -> dict[str, str]:
    """The same where a value is no Python: one that was cut short, or `<... object at 0x7f>`."""
    starts: list[tuple[str, int, int]] = []
    position = 0
    for name in names:  # in the order of the signature, as the text has them
        found = re.compile(rf"(?:^|(?<=, )){re.escape(name)}=").search(text, position)
        if found is not None:
            starts.append((name, found.start(), found.end()))
            position = found.end()
    if not starts:
        return {}  # all that is required is known, and what was guessed has a default
    ends = [start - len(", ") for _, start, _ in starts[1:]] + [len(text)]
    return {name: text[begin:end] for (name, _, begin), end in zip(starts, ends, strict=True)}


def _setting(names: Sequence[str], guessed: Mapping[str, str]) -> tuple[Setting, ...]:
    if not names:
        return (Setting("kwargs", "{}", ("arguments that it can be built with",)),)
    values = {name: _plain(guessed[name]) if name in guessed else argument(name) for name in names}
    objects = [f"`{name}`" for name, found in values.items() if found is None]
    if objects:
        verb = "is an object" if len(objects) == 1 else "are objects"
        raise CodeNeeded(f"{', '.join(objects)} {verb}")
    pairs = {name: value(found) for name, found in values.items() if found is not None}
    return (Setting("kwargs", table(pairs), tuple(names)),)


def _plain(text: str) -> Plain | None:
    """A guessed value, where TOML can say it."""
    with suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return _sayable(ast.literal_eval(text))
    return None


def _sayable(found: object) -> Plain | None:
    if isinstance(found, float):
        return found if math.isfinite(found) else None
    if isinstance(found, str):
        return found if is_sayable(found) else None
    if isinstance(found, bool | int):
        return found
    if isinstance(found, list | tuple):
        parts = [_sayable(one) for one in found]
        return None if None in parts else [one for one in parts if one is not None]
    return None
