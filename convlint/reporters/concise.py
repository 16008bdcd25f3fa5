"""The report with one line for each finding, as editors and scripts read it."""

from __future__ import annotations

from convlint.diagnostics import Diagnostic
from convlint.report import Report
from convlint.reporters.summary import closing, listing
from convlint.reporters.text import one_line


def text(report: Report, *, verbose: bool) -> str:
    """The whole report."""
    lines = [line(diagnostic) for diagnostic in report.diagnostics]
    if verbose:
        lines += listing(report)
    return "\n".join([*lines, closing(report, verbose=verbose), ""])


def line(diagnostic: Diagnostic) -> str:
    """One finding as `file:row:column: code message`."""
    row, column = diagnostic.location.row, diagnostic.location.column
    return one_line(f"{diagnostic.filename}:{row}:{column}: {diagnostic.code} {diagnostic.message}")
