"""Findings that a dry run has disproved."""

from __future__ import annotations

from dataclasses import replace

from convlint.ops.requirements import requirement_kind
from convlint.worker.analysis.verdict.examination import Examination
from convlint.worker.analysis.verdict.findings import Finding
from convlint.worker.dry_run.constructions import FedModel
from convlint.worker.stack.places import span_of


def held_to_the_run(one: FedModel, examination: Examination) -> Examination:
    """Without what the run has disproved: a call that came through breaks no requirement of torch's."""
    if not one.calls:
        return examination
    rows = {(error.at.filename, error.at.row) for error in one.errors if error.at is not None}
    if any(fed.is_partial for fed in one.fed):
        kept = tuple(finding for finding in examination.findings if _row(examination, finding) in rows)
        return replace(examination, findings=kept, raised=None)
    if one.raises or not one.is_followed:
        return replace(examination, findings=_without_echoes(examination, rows))
    kept = tuple(finding for finding in examination.findings if requirement_kind(finding.violation.name).outlives_a_run)
    return replace(examination, findings=kept, raised=None)


def _row(examination: Examination, finding: Finding) -> tuple[str, int] | None:
    """The line of the call that a finding is about."""
    place = examination.run.trace.nodes[finding.node].meta.get("place")
    at = span_of(place) if place is not None else None
    return (at.filename, at.row) if at is not None else None


def _without_echoes(examination: Examination, rows: set[tuple[str, int]]) -> tuple[Finding, ...]:
    """Without what torch refuses only after the call that the program ends at was fixed."""
    findings = examination.findings
    if not any(_row(examination, one) in rows for one in findings):
        return findings
    return tuple(one for one in findings if one.violation.name != "raises" or _row(examination, one) in rows)
