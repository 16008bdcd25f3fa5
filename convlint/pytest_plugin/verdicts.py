"""What becomes of the test of each model, as plain values that processes hand to each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from convlint.diagnostics import Diagnostic
from convlint.facts import FileFacts, ModelFacts
from convlint.filenames import display
from convlint.report import Report
from convlint.reporters import full
from convlint.reporters.summary import reason
from convlint.severity import SEVERITIES, Severity

_FAILING = {least: frozenset(SEVERITIES[: SEVERITIES.index(least) + 1]) for least in SEVERITIES}
"""The severities that fail a test, by the least of them."""


class Verdict(BaseModel):
    """`text` is what convlint says: its findings, or why a model was not checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["passed", "failed", "skipped"]
    text: str = ""


class Verdicts(BaseModel):
    """The outcome of one run; `complaint` is why there is none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    of_models: dict[str, dict[str, Verdict]] = {}  # by absolute path and name
    complaint: str | None = None

    def of(self, path: str, target: str) -> Verdict:
        if self.complaint is not None:
            return Verdict(status="failed", text=self.complaint)
        return self.of_models[path][target]


Place = tuple[str, str]
"""The path of a file and the name of a model in it."""


def judge(report: Report, place: Place, behind: Iterable[Place], least: Severity, missing: str | None) -> Verdict:
    """The verdict on a model, and on those `behind` it that have no test of their own.

    `least` is the severity that fails a test; `missing` says which device models could not be run on.
    """
    path, target = place
    filename = display(path)
    facts = next((file for file in report.files if file.filename == filename), None)
    models = [model for model in facts.models if model.target == target] if facts is not None else []
    findings = _all_findings(report, filename, models, behind)
    text = full.findings(findings).rstrip()
    if not _FAILING[least].isdisjoint(one.severity for one in findings):
        return Verdict(status="failed", text=text)
    reasons = [_unchecked(filename, model, missing) for model in models] if models else _failures(facts)
    if all(reasons):
        fails = report.require_checked and missing is None
        why = next(filter(None, reasons), "convlint tells nothing of it")
        return Verdict(status="failed" if fails else "skipped", text=_placed(filename, models, target, why))
    return Verdict(status="passed", text=text)


def _failures(facts: FileFacts | None) -> list[str]:
    """Why a file has no such model."""
    return [one.message for one in facts.failures] if facts is not None else []


def _all_findings(
    report: Report, filename: str, models: Iterable[ModelFacts], behind: Iterable[Place]
) -> list[Diagnostic]:
    """Those of the file as a whole, of the models and of what is behind them, each once."""
    found = [one for one in report.of_files if one.filename == filename]
    for model in models:
        found += report.findings_of(filename, model)
    for other in behind:
        found += _findings(report, *other)
    return list(dict.fromkeys(found))


def _findings(report: Report, path: str, target: str) -> Iterator[Diagnostic]:
    filename = display(path)
    for file in report.files:
        if file.filename == filename:
            for model in file.models:
                yield from report.findings_of(filename, model) if model.target == target else ()


def _unchecked(filename: str, model: ModelFacts, missing: str | None) -> str | None:
    """Why nothing, or nothing of what was asked for, is known of a model."""
    if model.status == "skipped":
        return reason(filename, model)
    if model.verification is not None and model.verification.status == "not verified":
        return f"not verified: {model.verification.reason}"
    return missing


def _placed(filename: str, models: Sequence[ModelFacts], target: str, why: str) -> str:
    row = f":{models[0].row}" if models else ""
    return f"{filename}{row}: {target}: {why}"
