"""Files with the offered edits made, in memory."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from convlint.diagnostics import Diagnostic, Edit, Location
from convlint.discovery.source import decode, read
from convlint.facts import Failure


@dataclass(frozen=True)
class Edited:
    """`texts` by absolute path; `is_whole`: every finding has an edit, so that the model is to run."""

    texts: dict[str, str]
    is_whole: bool


def edited(findings: Sequence[Diagnostic]) -> Edited | None:
    """What the files of some findings hold with their edits; None where no edit is offered, or two are at odds."""
    edits: dict[str, dict[tuple[Location, Location], Edit]] = defaultdict(dict)
    for finding in findings:
        for edit in finding.fix.edits if finding.fix is not None else ():
            place = edit.location, edit.end_location
            if edits[finding.filename].setdefault(place, edit) != edit:
                return None
    texts = {}
    for filename, chosen in edits.items():
        path = os.path.abspath(filename)
        data = read(path, filename)
        text = data if isinstance(data, Failure) else decode(data, path)
        if isinstance(text, Failure):
            return None
        texts[path] = with_edits(text, chosen.values())
    return Edited(texts, all(finding.fix is not None for finding in findings)) if texts else None


def with_edits(text: str, edits: Iterable[Edit]) -> str:
    """The text with each edit made; rows and columns count from 1, and none overlaps another."""
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def offset(place: Location) -> int:
        return starts[place.row - 1] + place.column - 1

    for edit in sorted(edits, key=lambda one: offset(one.location), reverse=True):
        text = text[: offset(edit.location)] + edit.content + text[offset(edit.end_location) :]
    return text
