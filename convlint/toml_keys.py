"""Keys of TOML files by their location in the values: how they are spelled, which are valid, and where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel

Location = Sequence[int | str]
"""The keys that lead to a value; in arrays places, counted from 0."""


def spelled(location: Location) -> str:
    """`("model", 0, "inputs")` -> `model[0].inputs`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


def valid_keys(schema: type[BaseModel], location: Location) -> list[str]:
    """Those of the table that the last key of the location is in."""
    section = schema
    for part in location[:-1]:
        field = next((one for name, one in section.model_fields.items() if part in (one.alias, name)), None)
        section = (next(_sections(field.annotation), None) if field else None) or section
    return [field.alias or name for name, field in section.model_fields.items()]


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _sections(inner)


def row_of(text: str, keys: Sequence[str], start: int = 0, end: int | None = None) -> int | None:
    """The line of the last of the keys that is found in the text between two places, else that of `start`, where it is
    not the text's own: the parser of TOML keeps no lines."""
    end = len(text) if end is None else end
    for key in reversed(keys):
        found = re.compile(rf"(?:^|[{{,.])[ \t]*[\"']?{re.escape(key)}[\"']?[ \t]*=", re.M).search(text, start, end)
        if found is not None:
            return text.count("\n", 0, found.end()) + 1
    return text.count("\n", 0, start) + 1 if start else None
