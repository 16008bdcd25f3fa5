"""The report as SARIF 2.1.0, which code hosts show next to the lines."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Final
from urllib.parse import quote

from sarif_pydantic.sarif import (
    ArtifactChange,
    ArtifactContent,
    ArtifactLocation,
    Fix,
    Level,
    Location,
    LogicalLocation,
    Message,
    PhysicalLocation,
    Region,
    Replacement,
    ReportingDescriptor,
    Result,
    Run,
    Sarif,
    Tool,
    ToolDriver,
)

from convlint import __version__, diagnostics
from convlint.diagnostics import Diagnostic
from convlint.report import Report
from convlint.reporters.source import spot
from convlint.reporters.text import one_line, visible
from convlint.rules.load import load_rules
from convlint.severity import Severity

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final[dict[Severity, Level]] = {"error": Level.ERROR, "warning": Level.WARNING, "info": Level.NOTE}


def text(report: Report) -> str:
    """The whole report."""
    codes = sorted({one.code for one in report.diagnostics})
    driver = ToolDriver(name="convlint", version=__version__, rules=list(_rules(codes)))
    results = [_result(one, codes) for one in report.diagnostics]
    run = Run(tool=Tool(driver=driver), results=results)
    log = Sarif(version="2.1.0", schema_uri=_SCHEMA, runs=[run])  # type: ignore[call-arg]  # its alias is not a name
    return log.model_dump_json(by_alias=True, exclude_none=True, indent=2) + "\n"


def _rules(codes: Sequence[str]) -> Iterator[ReportingDescriptor]:
    """What the codes mean, in the order of the codes."""
    rules = {rule.id: rule for rule in load_rules()}
    for code in codes:
        rule = rules[code]
        yield ReportingDescriptor(
            id=code,
            name=rule.name,
            short_description=Message(text=rule.summary or rule.name),
            full_description=Message(text=" ".join(rule.why.split())),
        )


def _result(found: Diagnostic, codes: Sequence[str]) -> Result:
    related = [_location(one, one.message) for one in found.related if one.end_location is not None]
    hint = f"\n{one_line(found.hint)}" if found.hint is not None else ""
    return Result(
        rule_id=found.code,
        rule_index=codes.index(found.code),
        level=_LEVELS[found.severity],
        message=Message(text=one_line(found.message) + hint),
        locations=[_location(found)],
        related_locations=related or None,
        fixes=[_fix(found, found.fix)] if found.fix is not None else None,
        partial_fingerprints={"convlint/v1": _fingerprint(found)},
    )


def _location(place: Diagnostic | diagnostics.Related, message: str | None = None) -> Location:
    where = spot(place.filename, place.location.row)
    cell = LogicalLocation(name=f"cell {where.cell}", kind="module") if where.cell is not None else None
    end = place.end_location or place.location
    return Location(
        physical_location=PhysicalLocation(
            artifact_location=ArtifactLocation(uri=_uri(place.filename)),
            region=_region(place.filename, place.location, end),
        ),
        logical_locations=[cell] if cell is not None else None,
        message=Message(text=one_line(message)) if message is not None else None,
    )


def _region(filename: str, start: diagnostics.Location, end: diagnostics.Location) -> Region:
    return Region(
        start_line=spot(filename, start.row).row,
        start_column=start.column,
        end_line=spot(filename, end.row).row,
        end_column=end.column,
    )


def _fix(found: Diagnostic, fix: diagnostics.Fix) -> Fix:
    replacements = [
        Replacement(
            deleted_region=_region(found.filename, edit.location, edit.end_location),
            inserted_content=ArtifactContent(text=visible(edit.content)),
        )
        for edit in fix.edits
    ]
    change = ArtifactChange(artifact_location=ArtifactLocation(uri=_uri(found.filename)), replacements=replacements)
    return Fix(description=Message(text=one_line(fix.message)), artifact_changes=[change])


def _uri(filename: str) -> str:
    path = PurePath(filename)
    return ("file://" if path.is_absolute() else "") + quote(path.as_posix(), errors="surrogatepass")


def _fingerprint(found: Diagnostic) -> str:
    """What stays the same while lines are added above a finding."""
    parts = (found.code, PurePath(found.filename).as_posix(), found.model, found.layer, found.message)
    return hashlib.sha256(ascii(parts).encode()).hexdigest()[:32]
