"""From a pydantic error to a sentence that names the file, the line, the key and the way out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from convlint.complaint import suggestion
from convlint.config.schema import Settings
from convlint.toml_keys import row_of, spelled, valid_keys

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
        key = f"tool.convlint.{spelled(location)}" if location else "tool.convlint"
        keys = [part for part in location if isinstance(part, str)]
        row = row_of(text, keys, _start_of_table(text, location))
        place = f"{filename}:{row}" if row else filename
        sentences[f"{place}: {_sentence(item, key, location)}"] = None
    return list(sentences)


def _sentence(item: Any, key: str, location: Sequence[int | str]) -> str:
    kind, value, context = item["type"], item["input"], item.get("ctx", {})
    if kind == "extra_forbidden":
        return f'unknown key "{key}"{suggestion(str(location[-1]), valid_keys(Settings, location))}'
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


def _start_of_table(text: str, location: Sequence[int | str]) -> int:
    """Where the model's table begins, else that of convlint; 0 where it is not found."""
    tables = [part for part in location if isinstance(part, int)]
    if location and location[0] == "model" and tables:
        headers = list(re.finditer(r"^[ \t]*\[\[[ \t]*tool\.convlint\.model[ \t]*\]\]", text, re.M))
        return headers[tables[0]].start() if tables[0] < len(headers) else 0
    header = re.search(r"^[ \t]*\[[ \t]*tool\.convlint[ \t]*\]", text, re.M)
    return header.start() if header else 0
