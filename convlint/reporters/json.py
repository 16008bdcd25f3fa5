"""The report for programs, version 1 of the JSON form."""

from __future__ import annotations

import json
from typing import Any, Final

from convlint.diagnostics import Diagnostic
from convlint.facts import ModelFacts
from convlint.report import Report
from convlint.reporters.summary import reason

VERSION: Final = 1


def text(report: Report) -> str:
    """The whole report. Not ASCII is escaped, so that no name can steer a terminal or break a stream."""
    return json.dumps(document(report), indent=2) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The report as plain values, its keys in a fixed order."""
    return {
        "version": VERSION,
        "diagnostics": [_diagnostic(one) for one in report.diagnostics],
        "models": [_model(filename, model) for filename, model in report.models],
        "summary": {
            "files": report.file_count,
            "models": len(report.models),
            "checked": report.count_models("checked"),
            "partial": report.count_models("partial"),
            "skipped": report.count_models("skipped"),
            "errors": report.count("error"),
            "warnings": report.count("warning"),
        },
    }


def _diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    value = diagnostic.model_dump(mode="json")
    for related in value["related"]:
        if related["end_location"] is None:
            del related["end_location"]
    return value


def _model(filename: str, model: ModelFacts) -> dict[str, Any]:
    return {
        "name": model.name,
        "filename": filename,
        "row": model.row,
        "status": model.status,
        "reason": reason(filename, model),
        "inputs": [one.model_dump(mode="json") for one in model.inputs],
        "outputs": [list(shape) for shape in model.outputs],
        "sizes": {symbol: list(sizes) for symbol, sizes in model.sizes.items()},
    }
