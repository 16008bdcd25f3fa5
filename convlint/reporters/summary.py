"""What was checked and what was not: the closing line, and the list of models that `-v` shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from convlint.diagnostics import Severity
from convlint.facts import Dim, ModelFacts
from convlint.report import Report
from convlint.reporters.text import count, one_line

_NOUNS: Final[dict[Severity, str]] = {"error": "error", "warning": "warning", "info": "remark"}


def closing(report: Report, *, verbose: bool) -> str:
    """The last line of a report."""
    if not report.models and not report.diagnostics:
        return f"No models in {count(report.file_count, 'file')}: nothing to check."
    checked, partial, skipped = (report.count_models(status) for status in ("checked", "partial", "skipped"))
    left_out = partial + skipped > 0
    more = " (-v says what was left out, and why)" if left_out and not verbose else ""
    counts = f"{count(checked, 'model')} checked, {partial} partial, {skipped} skipped"
    return f"{counts}: {_outcome(report, checked + partial > 0, left_out)}{more}."


def _outcome(report: Report, anything: bool, left_out: bool) -> str:
    found = [count(report.count(severity), noun) for severity, noun in _NOUNS.items() if report.count(severity)]
    if found:
        return ", ".join(found)
    if not anything:
        return "nothing was checked"
    return "nothing found in what was checked" if left_out else "all clear"


def listing(report: Report) -> list[str]:
    """Every model with its status, its shapes, and what kept it from being checked."""
    lines: list[str] = []
    for filename, model in report.models:
        lines += [one_line(f"{filename}:{model.row}: {model.target} {_status(filename, model)}")]
        lines += ["    " + one_line(line) for line in _details(model)]
    return [*lines, ""] if lines else []


def reason(filename: str, model: ModelFacts) -> str | None:
    """Why a model was not checked, or only in part, with the line where it stopped."""
    if model.reason is None or model.stopped is None:
        return model.reason
    stopped = model.stopped
    where = f"line {stopped.row}" if stopped.filename == filename else f"{stopped.filename}:{stopped.row}"
    return model.reason if where in model.reason else f"{model.reason} ({where})"


def _status(filename: str, model: ModelFacts) -> str:
    said = reason(filename, model)
    return f"{model.status}: {said}" if said is not None else model.status


def _details(model: ModelFacts) -> Iterator[str]:
    for one in model.inputs:
        shape = "not a tensor" if one.shape is None else _shape(one.shape)
        dtype = f" {one.dtype}" if one.dtype is not None else ""
        yield f"input {one.name}: {shape}{dtype}, from {one.source}"
    for output in model.outputs:
        yield f"output: {_shape(output)}"
    if model.size_note is not None:
        yield f"sizes that work: {model.size_note}"
    elif model.sizes:
        yield "sizes that work: " + ", ".join(_sizes(*item) for item in model.sizes.items())
    if model.remedy is not None:
        yield f"help: {model.remedy}"


def _shape(shape: Sequence[Dim]) -> str:
    return "[" + ", ".join(str(dim) for dim in shape) + "]"


def _sizes(symbol: str, sizes: Sequence[int]) -> str:
    return f"{symbol} in {{{', '.join(str(size) for size in sizes)}}}"
