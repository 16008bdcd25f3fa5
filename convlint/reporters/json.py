"""The report for programs, version 1 of the JSON form."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Final

from convlint.diagnostics import Diagnostic
from convlint.facts import VERDICTS, ConstructionFact, InputFact, ModelFacts, Reason, Verification
from convlint.remedies import Remedy
from convlint.report import Report
from convlint.reporters.source import spot
from convlint.reporters.summary import reason
from convlint.sentences import construction_text, source_text

VERSION: Final = 1
_LOCATIONS: Final = ("location", "end_location")


def text(report: Report) -> str:
    """The whole report. Not ASCII is escaped, so that no name can steer a terminal or break a stream."""
    return json.dumps(document(report), indent=2) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The report as plain values, its keys in a fixed order."""
    return {
        "version": VERSION,
        "diagnostics": [_diagnostic(one) for one in report.diagnostics],
        "models": [_model(*one) for one in report.listed],
        "summary": {
            "files": report.file_count,
            "models": len(report.models),
            "checked": report.count_models("checked"),
            "basis": dict(report.bases),
            "partial": report.count_models("partial"),
            "skipped": report.count_models("skipped"),
            "errors": report.count("error"),
            "warnings": report.count("warning"),
            **_verdicts(report),
        },
    }


def _verdicts(report: Report) -> dict[str, int]:
    """How many models came to each verdict, where they were run on real tensors."""
    if not report.is_verified:
        return {}
    found = Counter(model.verification.status for _, model in report.models if model.verification is not None)
    return {status.replace(" ", "_"): found[status] for status in VERDICTS}


def _diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    value = _placed(diagnostic.model_dump(mode="json"), diagnostic.filename)
    value["related"] = [_related(one) for one in value["related"]]
    if value["fix"] is not None:
        value["fix"]["edits"] = [_placed(edit, diagnostic.filename) for edit in value["fix"]["edits"]]
    return value


def _related(value: dict[str, Any]) -> dict[str, Any]:
    """Without what it has not."""
    if value["made_at"] is not None:
        value["made_at"] = _placed(value["made_at"], value["made_at"]["filename"])
    known = {key: one for key, one in value.items() if one is not None}
    return _placed(known, value["filename"])


def _placed(value: dict[str, Any], filename: str) -> dict[str, Any]:
    """With the cell before the first location, and with the rows of the cell."""
    placed: dict[str, Any] = {}
    for key, one in value.items():
        if key == "location":
            placed["cell"] = spot(filename, one["row"]).cell
        placed[key] = {**one, "row": spot(filename, one["row"]).row} if key in _LOCATIONS else one
    return placed


def _model(filename: str, model: ModelFacts, remedy: Remedy | None) -> dict[str, Any]:
    place = spot(filename, model.row)
    return {
        "name": model.name,
        "filename": filename,
        "cell": place.cell,
        "row": place.row,
        "status": model.status,
        "reason": reason(filename, model),
        **reason_kinds(model.reason),
        "remedy": remedy.text if remedy is not None else None,
        "basis": model.basis,
        **_construction(model.construction),
        "inputs": [_input(one) for one in model.inputs],
        "outputs": [list(shape) for shape in model.outputs],
        "sizes": {symbol: list(sizes) for symbol, sizes in model.sizes.items()},
        **_verification(model.verification),
    }


def reason_kinds(reason: Reason | None) -> dict[str, str | None]:
    """The kind of a reason, and that of the innermost one that it wraps: for programs, which read no sentences."""
    return {
        "reason_kind": reason.kind if reason is not None else None,
        "reason_cause": reason.cause.kind if reason is not None else None,
    }


def _construction(construction: ConstructionFact | None) -> dict[str, Any]:
    """How a model was built: in words, and as values."""
    if construction is None:
        return {"construction": None, "construction_origin": None, "construction_call": None, "guessed_arguments": {}}
    return {
        "construction": construction_text(construction),
        "construction_origin": construction.origin,
        "construction_call": construction.call,
        "guessed_arguments": {one.name: one.text for one in construction.arguments},
    }


def _input(given: InputFact) -> dict[str, Any]:
    fields = given.model_dump(mode="json", include={"name", "shape", "dtype"})
    return {**fields, "source": source_text(given), "origin": given.origin}


def _verification(verification: Verification | None) -> dict[str, Any]:
    return {} if verification is None else {"verification": verification.model_dump(mode="json")}
