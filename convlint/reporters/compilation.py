"""What compiling and exporting models came to, in words and numbers."""

from __future__ import annotations

from collections.abc import Iterator

from convlint.facts import Compilation, Export, Verification
from convlint.reporters.text import one_line

HEADINGS = ("compiled", "graphs", "breaks", "recompiled", "exported")
NUMBERS = frozenset({"graphs", "breaks", "recompiled"})


def row(verification: Verification) -> Iterator[str]:
    """Cells below the headings; what was not asked for stays empty."""
    found = verification.compilation
    yield _compiled(found) if found is not None else ""
    if found is None or found.graphs is None:
        yield from ("", "", "")
    else:
        yield from map(str, (found.graphs, len(found.breaks), len(found.recompilations)))
    yield _exported(verification.export) if verification.export is not None else ""


def _compiled(found: Compilation) -> str:
    if found.status != "compiled":
        return "no" if found.status == "failed" else found.status
    return f"{found.backend}, {_alike(found.runs, len(found.differences))}"


def _exported(found: Export) -> str:
    if found.status != "exported":
        return "no" if found.status == "failed" else found.status
    sizes = "open sizes" if found.is_dynamic else "fixed sizes"
    refused = f", {_runs(len(found.refusals))} refused" if found.refusals else ""
    return f"{sizes}, {_alike(found.runs, len(found.differences))}{refused}"


def _alike(runs: int, differing: int) -> str:
    """`4 runs alike`, or how many are not."""
    if not runs:
        return "not compared"
    return f"{differing} of {_runs(runs)} differ" if differing else f"{_runs(runs)} alike"


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def remarks(verification: Verification) -> Iterator[str]:
    """What was not looked at, and why."""
    for verb, found in (("compiled", verification.compilation), ("exported", verification.export)):
        if found is None:
            continue
        if found.status == "not checked":
            yield one_line(f"not {verb}: {found.reason}")
        yield from (one_line(f"{verb}: {note}") for note in found.notes)
