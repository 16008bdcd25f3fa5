"""The report for people: each finding with its source, the shapes that led there, and the way out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from convlint.diagnostics import Diagnostic, Related, Side
from convlint.report import Report
from convlint.reporters.excerpt import excerpt, gutter
from convlint.reporters.source import Spot, beside, spot
from convlint.reporters.style import Line, coloured, plain
from convlint.reporters.summary import closing, listing
from convlint.reporters.text import one_line
from convlint.severity import Severity

_MOST_ALSO: Final = 6

_STYLES: Final[dict[Severity, str]] = {"error": "bold red", "warning": "bold yellow", "info": "bold cyan"}
_SECOND: Final = "bold blue"


def text(report: Report, *, verbose: bool, color: bool) -> str:
    """The whole report."""
    lines = _findings(report.diagnostics)
    lines += [((line, ""),) for line in listing(report, verbose=verbose)]
    worst: Severity | None = "error" if report.lacking else next((name for name in _STYLES if report.count(name)), None)
    style, painted = _STYLES[worst] if worst else "bold", coloured if color else plain
    if report.is_verified:
        from convlint.reporters import verification  # with rich, which a check does without

        body = painted(lines) + verification.table(report, color=color) + "\n"
    else:
        body = painted(lines)
    return body + painted([((closing(report, verbose=verbose), style),)])


def findings(diagnostics: Iterable[Diagnostic]) -> str:
    """Some findings, and nothing besides them."""
    return plain(_findings(diagnostics))


def _findings(diagnostics: Iterable[Diagnostic]) -> list[Line]:
    return [line for diagnostic in diagnostics for line in (*finding(diagnostic), ())]


def finding(diagnostic: Diagnostic) -> list[Line]:
    """One finding, from its headline to its notes."""
    places = [one for one in diagnostic.related if one.end_location is not None]
    trail = [one for one in diagnostic.related if one.end_location is None]
    rows = [_spot(diagnostic).row, *(_spot(place).row for place in places)]
    margin = len(str(max(rows)))
    style = _STYLES[diagnostic.severity]
    return [
        (
            (f"{diagnostic.severity}[{diagnostic.code}]", style),
            (f" {diagnostic.name}: {one_line(diagnostic.message)}", "bold"),
        ),
        *_excerpts(diagnostic, places, margin, style),
        *_sides(diagnostic, margin),
        *_trail(trail, diagnostic.filename, margin),
        *_notes(diagnostic, margin),
    ]


def _excerpts(diagnostic: Diagnostic, places: Iterable[Related], margin: int, style: str) -> list[Line]:
    proposed = _proposed(diagnostic)
    shown = excerpt(
        diagnostic.filename,
        diagnostic.location,
        diagnostic.end_location,
        margin=margin,
        mark="^",
        style=style,
        label=f"write {proposed}" if proposed is not None else "",
    )
    lines = [_arrow(diagnostic, "-->", margin)]
    if shown:
        lines += [gutter(margin), *shown]
    previous: Diagnostic | Related = diagnostic
    for place in places:
        lines += _second(place, previous, margin)
        previous = place
    return [*lines, gutter(margin)]


def _proposed(diagnostic: Diagnostic) -> str | None:
    """What is to be written at the place itself, where that is all there is to change."""
    edits = diagnostic.fix.edits if diagnostic.fix is not None else ()
    if len(edits) != 1 or (edits[0].location, edits[0].end_location) != (diagnostic.location, diagnostic.end_location):
        return None
    return edits[0].content


def _sides(diagnostic: Diagnostic, margin: int) -> list[Line]:
    """The shapes of the operands under one another, with marks under the sizes that differ."""
    operands = diagnostic.sides
    if not operands or len({len(one.shape) for one in operands}) != 1:
        return []
    widths = _widths(operands)
    differs = {dim for one in operands for dim in one.differs}
    marks = " " + "  ".join(("^" if dim in differs else " ") * width for dim, width in enumerate(widths))
    lead = " " * (margin + 3)
    shown: list[Line] = [((f"{lead}{_side(one, widths)}", ""),) for one in operands]
    return [(*gutter(margin, "="), (" sides:", "bold")), *shown, ((lead + marks.rstrip(), "bold red"),)]


def _widths(operands: Iterable[Side]) -> list[int]:
    """How many characters the longest size of each dimension takes."""
    columns = zip(*(map(str, one.shape) for one in operands), strict=True)
    return [max(map(len, column)) for column in columns]


def _side(operand: Side, widths: Iterable[int]) -> str:
    """`[B, 128, 16]  conv1`."""
    shape = ", ".join(map(str.rjust, map(str, operand.shape), widths))
    title = one_line(operand.title) if operand.title else ""
    return f"[{shape}]  {title}".rstrip()


def _second(place: Related, previous: Diagnostic | Related, margin: int) -> list[Line]:
    """A related place: in the same file or cell only the line, in another one its name too."""
    shown = excerpt(
        place.filename,
        place.location,
        place.end_location,
        margin=margin,
        mark="-",
        style=_SECOND,
        label=place.message,
    )
    here, before = _spot(place), _spot(previous)
    if (here.filename, here.cell) != (before.filename, before.cell) or not shown:
        said = () if shown else ((f" {one_line(place.message)}", ""),)
        return [(*_arrow(place, ":::", margin), *said), *shown]
    return [
        (("...", _SECOND),) if here.row != before.row + 1 else gutter(margin),
        *shown,
    ]


def _arrow(place: Diagnostic | Related, arrow: str, margin: int) -> Line:
    where = one_line(f"{_spot(place)}:{place.location.column}")
    return (" " * margin + arrow, _SECOND), (f" {where}", "")


def _spot(place: Diagnostic | Related) -> Spot:
    return spot(place.filename, place.location.row)


def _trail(trail: list[Related], filename: str, margin: int) -> list[Line]:
    if not trail:
        return []
    places = [one_line(beside(one.filename, one.location.row, filename)) for one in trail]
    column = max(len(place) for place in places)
    steps: list[Line] = [
        ((" " * (margin + 3) + f"{place:>{column}}  {one_line(one.message)}", ""),)
        for place, one in zip(places, trail, strict=True)
    ]
    return [(*gutter(margin, "="), (" shapes:", "bold")), *steps]


def _notes(diagnostic: Diagnostic, margin: int) -> list[Line]:
    notes = []
    if diagnostic.hint is not None:
        notes.append(("help", diagnostic.hint))
    if diagnostic.also:
        notes.append(("note", f"also in {_some(diagnostic.also)}"))
    formula = diagnostic.formula  # a symbol alone explains nothing
    if formula is not None and formula != str(diagnostic.actual) and not formula.isidentifier():
        notes.append(("note", f"in symbols, {formula} reaches it"))
    if diagnostic.url is not None:
        notes.append(("docs", diagnostic.url))
    return [(*gutter(margin, "="), (f" {kind}:", "bold"), (f" {one_line(said)}", "")) for kind, said in notes]


def _some(names: tuple[str, ...]) -> str:
    shown = [f"`{name}`" for name in names[:_MOST_ALSO]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
