"""An explanation as Markdown, for a README or an answer to a question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convlint.explain import sums
from convlint.explain.detail import Detail, LayerCall
from convlint.explain.summary import arrow, closing, count_text, heading, line_text, said
from convlint.explain.table import Row, Table
from convlint.reporters.text import one_line

_WIDTH = 110  # cells of a line of matrices


def text(tables: Sequence[tuple[Table, Detail | None]]) -> str:
    """The whole explanation."""
    return "\n".join("\n".join(_model(table, detail)) + "\n" for table, detail in tables)


def _model(table: Table, detail: Detail | None) -> Iterator[str]:
    yield f"## {_code(table.name)}"
    yield ""
    yield from (f"- {word}: {_escaped(words)}" for word, words in heading(table))
    if detail is not None:
        yield from _detail(detail)
        return
    if not table.rows:
        return
    yield ""
    yield "| line | layer | [in] -> [out] | parameters | multiply-adds | where the numbers come from |"
    yield "|--:|---|---|--:|--:|---|"
    before: set[str] = set()
    yield from (_row(row, before) for row in table.rows)
    yield ""
    yield "  \n".join(_escaped(sentence) for sentence in closing(table))


def _row(row: Row, before: set[str]) -> str:
    name = _code(row.name) + (f" {_escaped(row.kind)}" if row.path is not None else "")
    notes = "<br>".join(_note(sort, words) for sort, words in said(row, before))
    cells = (line_text(row), name, _code(arrow(row)), count_text(row.parameters), _count(row), notes)
    return f"| {' | '.join(cells)} |"


def _note(sort: str, words: str) -> str:
    """One thing that is said of a row; a formula as code."""
    if sort == "formula":
        name, _, formula = words.partition(": ")
        return f"{_escaped(name)}: {_code(formula)}"
    return f"**{_escaped(words)}**" if sort == "problem" else _escaped(words)


def _count(row: Row) -> str:
    return _code(row.multiply_adds) if isinstance(row.multiply_adds, str) else count_text(row.multiply_adds)


def _detail(detail: Detail) -> Iterator[str]:
    yield ""
    yield f"### {_code(detail.path)}: {_escaped(detail.kind)}"
    yield ""
    if detail.made:
        yield f"- {detail.made_at or 'made'}: {_code(detail.made)}"
    if detail.meaning:
        yield f"- does: {_escaped(detail.meaning)}"
    yield from (f"- {_code(f'{name} = {value}')}: {_escaped(meaning)}" for name, value, meaning in detail.arguments)
    yield from (f"- {_escaped(words)}" for words in detail.weights)
    if detail.one_output:
        yield f"- one output: {_escaped(detail.one_output)}"
    if detail.values is not None:
        for number, words in enumerate(sums.heading(detail.values)):
            yield f"{'  - ' if number else '- one number: '}{_escaped(words)}"
        yield from ("", "```text", *sums.lines(detail.values, _WIDTH), "```", "")
    for call in detail.calls:
        yield from _call(call, detail.meaning or "")


def _call(call: LayerCall, meaning: str) -> Iterator[str]:
    """One call of the layer: its shapes, what there is to say of them, and the calls around it."""
    yield f"- line {line_text(call.row)}: {_code(arrow(call.row))}"
    yield from (f"  - {_note(sort, words)}" for sort, words in said(call.row, {meaning}))
    yield from (f"  - comes from {_escaped(words)}" for words in call.comes_from)
    yield from (f"  - goes to {_escaped(words)}" for words in call.goes_to)


def _code(text: str) -> str:
    """Text in back quotes, of which it may hold none itself."""
    return "`" + one_line(text).replace("`", "'").replace("|", "\\|") + "`"


def _escaped(text: str) -> str:
    """Text in which no character means anything to Markdown."""
    escaped = "".join(f"\\{character}" if character in "\\`*_[]<>|#" else character for character in one_line(text))
    return escaped.replace("-\\>", "->")
