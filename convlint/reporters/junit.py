"""The report as JUnit XML, which CI servers show as tests: one case for each model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from convlint.diagnostics import Diagnostic
from convlint.facts import ModelFacts
from convlint.report import Report
from convlint.reporters.concise import line
from convlint.reporters.summary import reason
from convlint.reporters.text import one_line


def text(report: Report) -> str:
    """The whole report. A finding of severity info fails no case."""
    suite = TestSuite("convlint")
    for filename, model in report.models:
        suite.add_testcase(_case(filename, model, _failing(report.findings_of(filename, model))))
    for one in _failing(report.of_files):
        suite.add_testcase(_of_file(one))
    xml = JUnitXml()
    xml.add_testsuite(suite)
    xml.update_statistics()  # type: ignore[no-untyped-call]
    return bytes(xml.tostring()).decode() + "\n"  # type: ignore[no-untyped-call]


def _failing(found: Sequence[Diagnostic]) -> list[Diagnostic]:
    return [one for one in found if one.severity != "info"]


def _case(filename: str, model: ModelFacts, found: Sequence[Diagnostic]) -> TestCase:
    seconds = sum(run.seconds for run in model.verification.runs) if model.verification is not None else None
    case = TestCase(one_line(model.target), classname=one_line(filename), time=seconds)
    case.result = [_failure(one) for one in found] or list(_skipped(filename, model))
    return case


def _failure(found: Diagnostic) -> Failure:
    failure = Failure(one_line(found.message), found.code)
    failure.text = line(found) + (f"\n{one_line(found.hint)}" if found.hint is not None else "")
    return failure


def _skipped(filename: str, model: ModelFacts) -> Iterator[Skipped]:
    """A model that was not looked at to its end."""
    if model.verification is not None and model.verification.status == "not verified":
        yield Skipped(one_line(model.verification.reason or "not verified"))
    elif model.verification is None and model.status != "checked":
        yield Skipped(one_line(f"{model.status}: {reason(filename, model)}"))


def _of_file(found: Diagnostic) -> TestCase:
    """What is about no model that is there: a file that cannot be imported."""
    case = TestCase(f"{found.code} {found.name}", classname=one_line(found.filename))
    error = Error(one_line(found.message), found.code)
    error.text = line(found)
    case.result = [error]
    return case
