"""An explanation for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from convlint.explain import sums
from convlint.explain.detail import Detail, LayerCall
from convlint.explain.summary import arrow, closing, count_text, heading, line_text, said
from convlint.explain.table import Row, Table
from convlint.explain.values import Values
from convlint.reporters.console import LINE, printed
from convlint.reporters.text import one_line

_INDENT: Final = "    "
_STYLES: Final = {"problem": "bold red", "remark": "yellow", "meaning": "dim", "formula": "cyan"}


def text(tables: Sequence[tuple[Table, Detail | None]], *, width: int, color: bool) -> str:
    """The whole explanation, for a terminal so many cells wide."""

    def draw(console: Console) -> None:
        for number, (table, detail) in enumerate(tables):
            if number:
                console.print()
            console.print(Group(*_model(table, detail, width)))

    return printed(draw, width=width, color=color)


def _model(table: Table, detail: Detail | None, width: int) -> Iterator[RenderableType]:
    yield Text(one_line(table.name), style="bold")
    facts = Grid.grid(padding=(0, 2))
    for word, words in heading(table):
        style = "bold red" if word == "wrong" else "bold yellow" if word in ("partial", "skipped") else ""
        facts.add_row(Text(f"  {word}", style=style or "bold"), Text(one_line(words), style=style))
    yield facts
    if detail is not None:
        yield from _detail(detail, width)
        return
    if table.rows:
        yield Text()
        yield _grid(table)
    for sentence in closing(table) if table.rows else ():
        yield Text(one_line(sentence))


def _grid(table: Table) -> Grid:
    grid = Grid(box=LINE, pad_edge=False, show_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    grid.add_column("line", justify="right", no_wrap=True)
    grid.add_column("layer", overflow="fold", max_width=26)
    grid.add_column("[in] -> [out], and where the numbers come from", overflow="fold", ratio=1)
    grid.add_column("parameters", justify="right", overflow="fold", max_width=14)
    grid.add_column("multiply-adds", justify="right", overflow="fold", max_width=18)
    place: tuple[object, ...] = ()
    before: set[str] = set()
    for row in table.rows:
        if (row.filename, row.cell, row.line) != place:
            place = row.filename, row.cell, row.line
            grid.add_row(line_text(row), None, _code(row, table.filename))
        grid.add_row("", _name(row), _cell(row, before), count_text(row.parameters), count_text(row.multiply_adds))
    return grid


def _code(row: Row, filename: str) -> Text:
    """The user's line, so that the table can be read next to the file."""
    elsewhere = f"  # {row.filename}" if row.filename not in (None, filename) else ""
    return Text(one_line(f"{row.code or ''}{elsewhere}"), style="italic")


def _name(row: Row) -> Text:
    name = Text(one_line(row.name), style="bold")
    return name.append(f"\n{one_line(row.kind)}", style="not bold dim") if row.path is not None else name


def _cell(row: Row, before: set[str]) -> Text:
    cell = Text(one_line(arrow(row)), style="bold" if row.path is not None else "")
    for sort, words in said(row, before):
        cell.append(f"\n{one_line(words)}", style=f"not bold {_STYLES[sort]}")
    return cell


def _detail(detail: Detail, width: int) -> Iterator[RenderableType]:
    yield Text()
    yield Text.assemble((one_line(detail.path), "bold"), f": {one_line(detail.kind)}")
    if detail.made:
        yield _pair(detail.made_at or "made", one_line(detail.made))
    if detail.meaning:
        yield _pair("does", detail.meaning)
    yield from _listed("arguments", (f"{name} = {one_line(value)}: {does}" for name, value, does in detail.arguments))
    yield from _listed("weights", detail.weights)
    if detail.one_output:
        yield _pair("one output", detail.one_output)
    if detail.values is not None:
        yield from _values(detail.values, width)
    for call in detail.calls:
        yield from _call(call, detail.meaning or "")


def _call(call: LayerCall, meaning: str) -> Iterator[RenderableType]:
    """One call of the layer: its shapes, what there is to say of them, and the calls around it."""
    yield _pair(f"line {line_text(call.row)}", arrow(call.row))
    for sort, words in said(call.row, {meaning}):
        yield _pair("", words, _STYLES[sort])
    for words in call.comes_from:
        yield _pair("comes from", words)
    for words in call.goes_to:
        yield _pair("goes to", words)


def _values(values: Values, width: int) -> Iterator[RenderableType]:
    yield from _listed("one number", sums.heading(values))
    yield Text()
    for line in sums.lines(values, width - len(_INDENT)):
        yield Text(f"{_INDENT}{line}")
    yield Text()


def _listed(word: str, items: Iterable[str]) -> Iterator[RenderableType]:
    """Several lines under one word."""
    for number, words in enumerate(items):
        yield _pair("" if number else word, words)


def _pair(word: str, words: str, style: str = "") -> Grid:
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=12, no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(f"  {word}", style="bold"), Text(one_line(words), style=style))
    return grid
