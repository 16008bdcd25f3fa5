"""What a check says in the end, as text, and its exit code."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from convlint.cache.answers import Answer
from convlint.check import CheckResult, Options, check, settings_for
from convlint.config import parse_input
from convlint.dependencies import Dependencies
from convlint.exit_codes import CLEAN, FAILED, FOUND
from convlint.output_format import OutputFormat
from convlint.pool.serving import ServerProcess
from convlint.report import Report
from convlint.reporters import render
from convlint.severity import SEVERITIES, Severity

_OWN = ("output_format", "fail_on", "verbose", "quiet", "inputs")


def verdict(
    paths: tuple[str, ...],
    given: Mapping[str, Any],
    server: ServerProcess | None,
    *,
    color: bool,
    may_be_empty: bool,
) -> tuple[Answer, Dependencies | None]:
    """The outcome for the options of a command line, and what it depends on, where it may be kept.

    Raises what `check` raises.
    """
    output_format, fail_on, verbose, quiet, inputs = (given[name] for name in _OWN)
    rest = {name: value for name, value in given.items() if name not in _OWN}
    parsed = tuple(parse_input(text) for text in inputs)
    options = Options(**rest, inputs=parsed, shows_progress=not quiet)
    settings = settings_for(paths, options).settings
    outcome = check(paths, options, server)
    report, text = outcome.report, ""
    if not (may_be_empty and quiet and is_silent(report)):
        text = rendered(report, output_format or settings.output_format, verbose=verbose and not quiet, color=color)
    answer = Answer(code_of(outcome, fail_on or settings.fail_on), (*outcome.problems, *outcome.notes), text)
    return answer, None if outcome.problems else outcome.depends


def is_silent(report: Report) -> bool:
    """Whether there is nothing that a quiet run says."""
    return not report.diagnostics and not report.lacking


def rendered(report: Report, output_format: OutputFormat, *, verbose: bool, color: bool) -> str:
    """The report in one of the formats."""
    text = io.StringIO()
    render(report, output_format, verbose=verbose, color=color, stream=text)
    return text.getvalue()


def code_of(outcome: CheckResult, least: Severity) -> int:
    """1 if there is a finding that severe or more, or a skipped model where all have to be checked; 2 for problems."""
    report, failing = outcome.report, SEVERITIES[: SEVERITIES.index(least) + 1]
    if outcome.problems:
        return FAILED
    return FOUND if report.lacking or any(report.count(severity) for severity in failing) else CLEAN
