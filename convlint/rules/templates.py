"""Texts of rules with `{path}` placeholders. Nothing but a path may are in the braces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from convlint.rules.environment import UNKNOWN, Environment, Formula, resolve
from convlint.rules.paths import Path, parse

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class TemplateError(ValueError):
    """A text whose braces cannot be read."""


@lru_cache(maxsize=512)
def split(text: str) -> tuple[str | Path, ...]:
    """The text as literal pieces and paths; raises for a stray brace or for a path that cannot be."""
    pieces: list[str | Path] = []
    for number, piece in enumerate(_PLACEHOLDER.split(text)):
        if number % 2:
            pieces.append(parse(piece))
        elif "{" in piece or "}" in piece:
            raise TemplateError(f"stray brace in {piece!r}; a placeholder is a path in braces")
        elif piece:
            pieces.append(piece)
    return tuple(pieces)


def fill(text: str, environment: Environment) -> tuple[str, bool]:
    """The text with its placeholders filled, and whether all of them were known; an unknown one reads `?`."""
    known = True
    out: list[str] = []
    for piece in split(text):
        if isinstance(piece, str):
            out.append(piece)
            continue
        value = resolve(piece, environment)
        known = known and value is not UNKNOWN
        out.append(spell(value))
    return "".join(out), known


def choose(texts: Mapping[str, str], default: str | None, environment: Environment) -> str | None:
    """The text that is meant for this call or for this requirement, else the default."""
    return next((texts[name] for name in environment.names if name in texts), default)


def spell(value: Any) -> str:
    """A value of the facts as a reader sees it."""
    if value is UNKNOWN or value is None:
        return "?"
    if isinstance(value, Formula):
        return value.text
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(spell(item) for item in value) + "]"
    return str(value)
