"""From a pydantic error to a sentence that names the file, the line, the key and the way out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from convlint.complaint import suggestion
from convlint.config.schema import Settings

_KINDS = {
    "string_type": "a string",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "an array",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}


def explain(error: ValidationError, filename: str, text: str) -> list[str]:
    """One sentence for each mistake; `text` is the file's, to tell the line."""
    sentences: dict[str, None] = {}
    for item in error.errors(include_url=False):
        location = item["loc"]
        key = _spell(location)
        row = _row_of(text, location)
        place = f"{filename}:{row}" if row else filename
        sentences[f"{place}: {_sentence(item, key, location)}"] = None
    return list(sentences)


def _sentence(item: Any, key: str, location: Sequence[int | str]) -> str:
    kind, value, context = item["type"], item["input"], item.get("ctx", {})
    if kind == "extra_forbidden":
        return f'unknown key "{key}"{suggestion(str(location[-1]), _keys_beside(location))}'
    if kind == "missing":
        return f'"{key}" is missing'
    if kind == "literal_error":
        return f'"{key}" is {value!r}, but must be {context["expected"].replace(chr(39), chr(34))}'
    if kind == "value_error":
        return f'"{key}": {context["error"]}'
    if location == ("model",):
        return f'"{key}" must be an array of tables, each headed by [[{key}]]'
    if kind in _KINDS:
        return f'"{key}" must be {_KINDS[kind]}, but is {value!r}'
    return f'"{key}" is {value!r}: {item["msg"][:1].lower()}{item["msg"][1:]}'


def _spell(location: Sequence[int | str]) -> str:
    """`("model", 0, "inputs")` -> `model[0].inputs`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return "tool.convlint" + text


def _keys_beside(location: Sequence[int | str]) -> list[str]:
    """The valid keys of the table that the last key of the location stands in."""
    section: type[BaseModel] = Settings
    for part in location[:-1]:
        field = next((found for found in section.model_fields.values() if found.alias == part), None)
        inner = _section_of(field.annotation) if field else None
        section = inner or section
    return [field.alias or name for name, field in section.model_fields.items()]


def _section_of(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _section_of(inner))), None)


def _row_of(text: str, location: Sequence[int | str]) -> int | None:
    """The line of a key. TOML's parser keeps no lines, so look for the last key of the location."""
    start = _start_of_table(text, location)
    names = [part for part in location if isinstance(part, str)]
    for name in reversed(names):
        match = re.compile(rf"(?:^|[{{,.])[ \t]*[\"']?{re.escape(name)}[\"']?[ \t]*=", re.M).search(text, start)
        if match:
            return text.count("\n", 0, match.end()) + 1
    return text.count("\n", 0, start) + 1 if start else None


def _start_of_table(text: str, location: Sequence[int | str]) -> int:
    """Where the model's table begins, else that of convlint; 0 where it is not found."""
    tables = [part for part in location if isinstance(part, int)]
    if location and location[0] == "model" and tables:
        headers = list(re.finditer(r"^[ \t]*\[\[[ \t]*tool\.convlint\.model[ \t]*\]\]", text, re.M))
        return headers[tables[0]].start() if tables[0] < len(headers) else 0
    header = re.search(r"^[ \t]*\[[ \t]*tool\.convlint[ \t]*\]", text, re.M)
    return header.start() if header else 0
