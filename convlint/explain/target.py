"""What is to be explained: `net.py`, `net.py:Net`, or a layer or block as `net.py:Net.layer1.0`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from convlint.complaint import suggestion
from convlint.config.error import ConfigError
from convlint.explain.table import Row, Table

_ENDINGS = (".py", ".ipynb")


@dataclass(frozen=True, slots=True)
class Target:
    path: str  # as discovery takes it: a file, a folder, or `net.py:Net`
    part: str = ""  # the path of a layer or block in the model; "" is the whole model


def parse_target(text: str) -> Target:
    """A target as the user wrote it; a path that exists as it stands is left whole."""
    head, colon, name = text.rpartition(":")
    model, dot, part = name.partition(".")
    if not colon or not dot or os.path.exists(text) or not head.endswith(_ENDINGS):
        return Target(text)
    if not model.isidentifier() or not all(part.split(".")):
        raise ConfigError(f"{text}: write a layer as {head}:Net.conv1, with the names that forward uses")
    return Target(f"{head}:{model}", part)


def narrowed(tables: Sequence[Table], part: str) -> tuple[Table, ...]:
    """The tables with only the rows of a layer or block. Raises ConfigError where no model has it."""
    if not part:
        return tuple(tables)
    found = tuple(replace(table, rows=rows, is_part=True) for table in tables if (rows := _rows_of(table, part)))
    if not found:
        names = list(dict.fromkeys(name for table in tables for name in _parts(table)))
        whose = tables[0].name if tables else "the model"
        raise ConfigError(f'{whose}: forward calls no layer or block "{part}"{suggestion(part, names[:40])}')
    return found


def _rows_of(table: Table, part: str) -> tuple[Row, ...]:
    return tuple(row for row in table.rows if _is_in(row.path, part) or _is_in(row.block, part))


def _is_in(path: str | None, part: str) -> bool:
    return path is not None and (path == part or path.startswith(f"{part}."))


def _parts(table: Table) -> Iterable[str]:
    """Every layer and block that forward calls."""
    for row in table.rows:
        path = row.path or row.block
        while path:
            yield path
            path = path.rpartition(".")[0]
