"""The report with one line for each finding, as editors and scripts read it."""

from __future__ import annotations

from convlint.diagnostics import Diagnostic
from convlint.report import Report
from convlint.reporters.source import spot
from convlint.reporters.summary import closing, listing
from convlint.reporters.text import one_line


def text(report: Report, *, verbose: bool) -> str:
    """The whole report."""
    lines = [line(diagnostic) for diagnostic in report.diagnostics]
    lines += listing(report, verbose=verbose)
    return "\n".join([*lines, closing(report, verbose=verbose), ""])


def line(diagnostic: Diagnostic) -> str:
    """One finding as `file:row:column: code message`, in a notebook `file:cell number:row:column: ...`."""
    place = f"{spot(diagnostic.filename, diagnostic.location.row)}:{diagnostic.location.column}"
    return one_line(f"{place}: {diagnostic.code} {diagnostic.message}")
