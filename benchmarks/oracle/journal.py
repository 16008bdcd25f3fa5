"""Results as lines of JSON, kept as they are made, so that a long run can be taken up again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import TypeAdapter

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def known(path: Path, kind: type[T]) -> list[T]:
    """The results of a kind that the file holds; a last line that was cut short is left out."""
    if not path.exists():
        return []
    adapter, names = TypeAdapter(kind), {field.name for field in fields(kind)}
    found = list[T]()
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
            if row.keys() <= names:
                found.append(adapter.validate_python(row))
        except ValueError:
            continue
    return found


def keep(path: Path, results: Iterable[DataclassInstance]) -> None:
    with path.open("a", encoding="utf-8") as file:
        for one in results:
            file.write(json.dumps(asdict(one)) + "\n")
