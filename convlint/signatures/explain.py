"""From a pydantic error to a sentence that names the file, the line, the key and the way out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from pydantic import ValidationError

from convlint.complaint import suggestion
from convlint.signatures.document import SignatureFile
from convlint.signatures.names import MistakeInKey
from convlint.toml_keys import row_of, spelled, valid_keys

_KINDS: Final = {
    "string_type": "a string",
    "bool_type": "true or false",
    "tuple_type": "an array",
    "dict_type": "a table",
    "model_type": "a shape or a table",
    "model_attributes_type": "a shape or a table",
}


def explain(error: ValidationError, filename: str, text: str) -> list[str]:
    """One sentence for each mistake; `text` is the file's, for the line."""
    sentences: dict[str, None] = {}
    for item in error.errors(include_url=False):
        location, problem = _place(item), item.get("ctx", {}).get("error")
        start, end, keys = _table(text, location)
        row = row_of(text, keys, start, end)
        place = f"{filename}:{row}" if row else filename
        sentences[f"{place}: {_sentence(item, location, problem)}"] = None
    return list(sentences)


def _place(item: Any) -> tuple[int | str, ...]:
    """The keys that lead to a mistake; in arrays places, counted from 0."""
    parts = [str(part) for part in item["loc"]]
    problem = item.get("ctx", {}).get("error")
    if isinstance(problem, MistakeInKey):
        parts += re.findall(r"[^.\[\]]+", problem.key)
    return tuple(int(part) if part.isdigit() else part for part in parts)


def _sentence(item: Any, location: Sequence[int | str], problem: object) -> str:
    kind, key = item["type"], spelled(location)
    if kind == "extra_forbidden":
        return f'unknown key "{key}"{suggestion(str(location[-1]), valid_keys(SignatureFile, location))}'
    if kind == "missing":
        return f'"{key}" is missing'
    if kind == "value_error":
        return f'"{key}": {problem}'
    if kind in _KINDS:
        return f'"{key}" must be {_KINDS[kind]}, but is {item["input"]!r}'
    return f'"{key}" is {item["input"]!r}: {item["msg"][:1].lower()}{item["msg"][1:]}'


def _table(text: str, location: Sequence[int | str]) -> tuple[int, int, list[str]]:
    """Where the `[[signature]]` of a location is in the text, and the keys that lead on from there."""
    keys = [part for part in location if isinstance(part, str)]
    headers = [match.start() for match in re.finditer(r"^[ \t]*\[\[[ \t]*signature[ \t]*\]\]", text, re.M)]
    match location:
        case ["signature", int(number), *_] if number < len(headers):
            return headers[number], [*headers, len(text)][number + 1], keys[1:]
        case _:
            return 0, len(text), keys
