"""The choice of a reporter by the name of its format."""

from __future__ import annotations

from typing import TextIO, assert_never

from convlint.output_format import OutputFormat
from convlint.report import Report
from convlint.reporters import concise, full, json
from convlint.terminal import write


def render(report: Report, output_format: OutputFormat, *, verbose: bool, color: bool, stream: TextIO) -> None:
    """Write the report to the stream in a format."""
    match output_format:
        case "full":
            text = full.text(report, verbose=verbose, color=color)
        case "concise":
            text = concise.text(report, verbose=verbose)
        case "json":
            text = json.text(report)
        case "sarif":
            from convlint.reporters import sarif

            text = sarif.text(report)
        case "junit":
            from convlint.reporters import junit

            text = junit.text(report)
        case unknown:
            assert_never(unknown)
    write(stream, text)
