"""From a pydantic error to a sentence that names the file, the line, the key and the way out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from convlint.complaint import suggestion
from convlint.signatures.names import MistakeInKey
from convlint.signatures.schema import SignatureFile

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
        row = _row_of(text, location)
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
    kind, key = item["type"], _spell(location)
    if kind == "extra_forbidden":
        return f'unknown key "{key}"{suggestion(str(location[-1]), _keys_beside(location))}'
    if kind == "missing":
        return f'"{key}" is missing'
    if kind == "value_error":
        return f'"{key}": {problem}'
    if kind in _KINDS:
        return f'"{key}" must be {_KINDS[kind]}, but is {item["input"]!r}'
    return f'"{key}" is {item["input"]!r}: {item["msg"][:1].lower()}{item["msg"][1:]}'


def _spell(location: Sequence[int | str]) -> str:
    """`("signature", 0, "inputs")` -> `signature[0].inputs`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _keys_beside(location: Sequence[int | str]) -> list[str]:
    """The valid keys of the table that the last key of the location is in."""
    section: type[BaseModel] = SignatureFile
    for part in location[:-1]:
        field = next((f for name, f in section.model_fields.items() if part in (f.alias, name)), None)
        section = (next(_sections(field.annotation), None) if field else None) or section
    return [field.alias or name for name, field in section.model_fields.items()]


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _sections(inner)


def _row_of(text: str, location: Sequence[int | str]) -> int | None:
    """The line of a key: the parser of TOML keeps none, so it is looked for behind the header of its table."""
    start, end, keys = _table(text, location)
    for name in reversed(keys):
        key = re.compile(rf"(?:^|[{{,.])[ \t]*[\"']?{re.escape(name)}[\"']?[ \t]*=", re.M).search(text, start, end)
        if key is not None:
            return text.count("\n", 0, key.end()) + 1
    return text.count("\n", 0, start) + 1 if start else None


def _table(text: str, location: Sequence[int | str]) -> tuple[int, int, list[str]]:
    """Where the `[[signature]]` of a location is in the text, and the keys that lead on from there."""
    keys = [part for part in location if isinstance(part, str)]
    headers = [match.start() for match in re.finditer(r"^[ \t]*\[\[[ \t]*signature[ \t]*\]\]", text, re.M)]
    match location:
        case ["signature", int(number), *_] if number < len(headers):
            return headers[number], [*headers, len(text)][number + 1], keys[1:]
        case _:
            return 0, len(text), keys
