"""Entries of `[[tool.convlint.model]]` as TOML text, in the forms that a user may have to write them in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from convlint.facts import Dim
from convlint.remedies.placeholders import Plain

MARK: Final = "fill in"
"""What a comment on a line says that holds a value only the user knows."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class EntryKey:
    """A key of an entry with its value as TOML, and the names in it that are to be filled in."""

    key: str
    toml: str
    unknown: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        return f"{self.key} = {self.toml}{mark(self.unknown)}"


@dataclass(frozen=True, slots=True)
class Stanza:
    """An entry for one model."""

    name: str
    settings: tuple[EntryKey, ...]

    @property
    def table(self) -> str:
        """Lines that may stand at the end of any file without `model = [...]`."""
        return "\n".join(
            ["[[tool.convlint.model]]", f"name = {string(self.name)}", *(one.line for one in self.settings)]
        )

    @property
    def item(self) -> str:
        """A line for the array `model = [...]` of a file, beside which TOML allows no tables."""
        pairs = [f"name = {string(self.name)}", *(f"{one.key} = {one.toml}" for one in self.settings)]
        unknown = [name for one in self.settings for name in one.unknown]
        return f"{{ {', '.join(pairs)} }},{mark(unknown)}"


def mark(unknown: Sequence[str]) -> str:
    """The comment that says what to fill in on a line."""
    return f"  # {MARK}: {', '.join(unknown)}" if unknown else ""


def is_sayable(text: str) -> bool:
    """Whether TOML has a way to say it: a file name may hold bytes that are no text."""
    return not any(unicodedata.category(character) == "Cs" for character in text)


def string(text: str) -> str:
    """A basic string; what cannot be seen is spelt out."""
    return '"' + "".join(_character(character) for character in text) + '"'


def _character(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    code = ord(character)
    if unicodedata.category(character) in _UNSEEN:
        return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return character


def value(given: Plain | Sequence[Dim]) -> str:
    """A value on one line."""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, str):
        return string(given)
    if isinstance(given, int | float):
        return repr(given)
    return f"[{', '.join(value(one) for one in given)}]"


def table(pairs: Mapping[str, str]) -> str:
    """An inline table of values that are TOML already."""
    if not pairs:
        return "{}"
    keys = (key if _BARE.fullmatch(key) else string(key) for key in pairs)
    return f"{{ {', '.join(f'{key} = {toml}' for key, toml in zip(keys, pairs.values(), strict=True))} }}"
