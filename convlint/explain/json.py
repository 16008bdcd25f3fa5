"""An explanation for programs, version 1 of the JSON form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from convlint.explain.detail import Detail
from convlint.explain.table import Row, Table
from convlint.explain.values import dumped
from convlint.reporters.json import reason_kinds
from convlint.reporters.source import spot
from convlint.reporters.summary import reason
from convlint.sentences import source_text

VERSION: Final = 1


def text(tables: Sequence[tuple[Table, Detail | None]]) -> str:
    """The whole explanation. What is not ASCII is escaped."""
    return json.dumps({"version": VERSION, "models": [_model(*one) for one in tables]}, indent=2) + "\n"


def _model(table: Table, detail: Detail | None) -> dict[str, Any]:
    model, place = table.model, spot(table.filename, table.model.row)
    value: dict[str, Any] = {
        "name": model.name,
        "filename": table.filename,
        "cell": place.cell,
        "row": place.row,
        "status": model.status,
        "reason": reason(table.filename, model),
        **reason_kinds(model.reason),
        "inputs": [
            {
                **one.model_dump(mode="json", exclude={"within", "is_attribute", "is_numbered"}),
                "source": source_text(one),
            }
            for one in model.inputs
        ],
        "outputs": [list(shape) for shape in model.outputs],
        "sizes": {symbol: list(sizes) for symbol, sizes in model.sizes.items()},
        "sizes_in_words": model.size_note,
        "parameters": table.parameters,
        "multiply_adds": table.multiply_adds,
        "uncounted": list(table.uncounted),
        "other_weights": {name: list(shape) for name, shape in model.other_weights.items()},
        "problems": list(table.problems),
        "rows": [_row(row) for row in table.rows],
    }
    return value if detail is None else {**value, "layer": _detail(detail)}


def _row(row: Row) -> dict[str, Any]:
    return {
        "filename": row.filename,
        "cell": row.cell,
        "line": row.line,
        "code": row.code,
        "layer": row.path,
        "kind": row.kind,
        "inputs": [list(shape) for shape in row.inputs],
        "outputs": [list(shape) for shape in row.outputs],
        "parameters": row.parameters,
        "multiply_adds": row.multiply_adds,
        "formulas": [{"name": one.name, "text": one.text} for one in row.formulas],
        "meaning": row.meaning,
        "remarks": list(row.remarks),
        "problems": list(row.problems),
    }


def _detail(detail: Detail) -> dict[str, Any]:
    value = {
        "path": detail.path,
        "kind": detail.kind,
        "made": detail.made,
        "made_at": detail.made_at,
        "arguments": [{"name": name, "value": value, "meaning": means} for name, value, means in detail.arguments],
        "weights": list(detail.weights),
        "one_output": detail.one_output,
        "calls": [
            {"line": call.row.line, "comes_from": list(call.comes_from), "goes_to": list(call.goes_to)}
            for call in detail.calls
        ],
    }
    return value if detail.values is None else {**value, "values": dumped(detail.values)}
