"""From the facts about some files to an explanation in one of FORMATS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TextIO

from convlint.explain.detail import detail_of
from convlint.explain.table import Table, table_of
from convlint.explain.target import narrowed
from convlint.explain.values import Values
from convlint.facts import FileFacts
from convlint.terminal import write

FORMATS: Final = ("text", "markdown", "json")


def tables_of(files: Sequence[FileFacts], part: str) -> tuple[Table, ...]:
    """A table for each model, with only the rows of `part`. Raises ConfigError where no model has that part."""
    return narrowed([table_of(file.filename, model) for file in files for model in file.models], part)


def render(
    tables: Sequence[Table],
    part: str,
    output_format: str,
    *,
    values: Sequence[Values | None] = (),
    width: int,
    color: bool,
    stream: TextIO,
) -> None:
    """Write the tables to the stream, with the values of the layer of each."""
    shown = values or [None] * len(tables)
    given = [(table, detail_of(table, part, one)) for table, one in zip(tables, shown, strict=True)]
    match output_format:
        case "text":
            from convlint.explain import text  # the others need not wait for rich

            said = text.text(given, width=width, color=color)
        case "markdown":
            from convlint.explain import markdown

            said = markdown.text(given)
        case "json":
            from convlint.explain import json

            said = json.text(given)
        case _:
            raise ValueError(f"unknown output format {output_format!r}; choose one of {', '.join(FORMATS)}")
    write(stream, said)
