"""Text that is safe to print: names and source come from files that may hold anything."""

from __future__ import annotations

import unicodedata
from typing import Final

TAB_WIDTH: Final = 4
# Control characters, invisible formatting such as bidirectional overrides, lone surrogates, line separators.
_HARMFUL: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def visible(text: str) -> str:
    """The text with every character that could steer a terminal spelt out, as in `\\x1b`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_spelt(character) for character in text)


def one_line(text: str) -> str:
    """The text on one line, safe to print."""
    return visible(" ".join(text.split()))


def width(text: str) -> int:
    """How many cells of a terminal the text takes."""
    return len(text) if text.isascii() else sum(_cells(character) for character in text)


def count(number: int, noun: str) -> str:
    """The number with its noun, in the plural where it must be."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _spelt(character: str) -> str:
    if unicodedata.category(character) not in _HARMFUL:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
