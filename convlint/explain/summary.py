"""What stands above and below a table, in sentences that text and Markdown share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from convlint.explain.table import Row, Table
from convlint.facts import Dim
from convlint.ops.expression import Count, count
from convlint.ops.operation import shape_text
from convlint.reporters.summary import reason
from convlint.sentences import construction_text, source_text

_SHOWN: Final = 8  # weights outside of layers that are listed
_COLUMN: Final = 18
COUNTED: Final = (
    "Multiply-adds are counted for convolutions, linear and recurrent layers, attention and matrix products; "
    "the rest is small beside them."
)


def heading(table: Table) -> Iterator[tuple[str, str]]:
    """What is known of a model as a whole: a word and what there is to say."""
    model = table.model
    if model.status != "checked":
        yield model.status, reason(table.filename, model) or "the reason is not known"
    if model.construction is not None and model.construction.origin != "defaults":
        yield "built", f"with {construction_text(model.construction)}"
    for one in model.inputs:
        shape = "not a tensor" if one.shape is None else shape_text(one.shape)
        yield "input", f"{one.name} {shape}{f' {one.dtype}' if one.dtype else ''}, from {source_text(one)}"
    for output in model.outputs:
        yield "output", shape_text(output)
    if model.size_note is not None:
        yield "sizes", f"it works for {model.size_note}"
    elif model.sizes:
        listed = (f"{name} in {{{', '.join(map(str, sizes))}}}" for name, sizes in model.sizes.items())
        yield "sizes", f"it works for {', '.join(listed)}"
    for text in table.problems:
        yield "wrong", text


def closing(table: Table) -> Iterator[str]:
    """The totals."""
    if table.is_part:
        done = sum((count([row.multiply_adds]) for row in table.rows if row.multiply_adds), Count())
        parameters = sum(row.parameters for row in table.rows)
        yield f"These rows: {parameters:,} parameters, {number_text(done.value)} multiply-adds."
    total = "Whole model" if table.is_part else "Total"
    yield f"{total}: {table.parameters:,} parameters{_other_weights(table)}."
    if table.shares_weights:
        yield "Some layers share their weights, which the total counts once."
    least = "at least " if table.uncounted else ""
    per = " for one sample (B = 1)" if table.has_batch else ""
    yield f"{total}: {least}{number_text(table.multiply_adds)} multiply-adds{per}{_at_example(table)}."
    if table.uncounted:
        names = list(dict.fromkeys(table.uncounted))
        yield f"Not counted, for it is not known how much they take: {', '.join(names[:_SHOWN])}."
    yield COUNTED


def _other_weights(table: Table) -> str:
    """`, 4,096 of them outside of the layers that forward calls: pos_embed [64, 64]`."""
    other = table.model.other_weights
    if not other:
        return ""
    listed = [f"{name} {shape_text(shape)}" for name, shape in list(other.items())[:_SHOWN]]
    more = f" and {len(other) - _SHOWN} more" if len(other) > _SHOWN else ""
    number = sum(math.prod(shape) for shape in other.values())
    return f", {number:,} of them outside of the layers that forward calls: {', '.join(listed)}{more}"


def _at_example(table: Table) -> str:
    if table.at_example is None:
        return ""
    given = ", ".join(f"{name} = {size}" for name, size in table.numbers.example.items())
    return f", which is {table.at_example:,} with {given}"


def number_text(number: Dim | None) -> str:
    """`9,216`; a formula as it is; `?` where it is not known."""
    return "?" if number is None else f"{number:,}" if isinstance(number, int) else number


def count_text(number: Dim | None) -> str:
    """A number in a column, empty for none; a long formula stands below the shapes."""
    text = "" if number == 0 else number_text(number)
    return text if len(text) <= _COLUMN else "in symbols"


def line_text(row: Row) -> str:
    """The number of a row's line, in a notebook after that of its cell: `3:12`."""
    number = str(row.line or "")
    return number if row.cell is None else f"{row.cell}:{number}"


def arrow(row: Row) -> str:
    """`[B, 1, 28, 28] -> [B, 32, 26, 26]`."""
    return f"{_shapes(row.inputs)} -> {_shapes(row.outputs)}"


def _shapes(shapes: Sequence[tuple[Dim, ...]]) -> str:
    return ", ".join(shape_text(shape) for shape in shapes)


def said(row: Row, before: set[str]) -> Iterator[tuple[str, str]]:
    """What there is to say below the shapes of a row, each with its sort: formula, meaning, remark or problem.

    A meaning that was said before is not said again.
    """
    yield from (("problem", f"wrong: {text}") for text in row.problems)
    sized = [one for one in row.formulas if one.name not in ("parameters", "multiply-adds")]
    yield from (("formula", f"{one.name}: {one.text}") for one in sized)
    yield from (("remark", text) for text in row.remarks)
    if row.meaning is not None and row.meaning not in before:
        before.add(row.meaning)
        yield "meaning", row.meaning
    yield from (("formula", f"{one.name}: {one.text}") for one in row.formulas if one not in sized)
