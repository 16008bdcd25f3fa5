"""What the name of a constructor's argument says about its value."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

Kind = Literal[
    "classes", "vocab", "heads", "head_size", "layers", "kernel", "one", "scale", "rate", "image", "patch",
    "length", "flag", "off", "device", "norm", "activation", "block", "sizes", "counts", "config", "words", "module",
    "weights", "input", "output", "hidden", "channels", "text", "count", "size", "dtype", "pair", "function", "path",
    "kernels",
]  # fmt: skip

_TABLE = Path(__file__).with_name("names.toml")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@cache
def _patterns() -> tuple[tuple[Kind, re.Pattern[str]], ...]:
    table = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    return tuple(
        (entry["name"], re.compile("|".join(f"(?:{p})" for p in entry["patterns"]))) for entry in table["kind"]
    )


def kind_of(name: str) -> Kind:
    """The kind of value that an argument of this name usually takes."""
    plain = _CAMEL.sub("_", name).lower().strip("_")
    return next((kind for kind, pattern in _patterns() if pattern.fullmatch(plain)), "size")
