"""Judgements as lines of JSON, so that a long run can be taken up again, and the table that they make."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.oracle.judge import OF_FEATURES, Judgement


def known(path: Path) -> list[Judgement]:
    """What the file holds; a last line that was cut short is left out."""
    if not path.exists():
        return []
    return [one for line in path.read_text(encoding="utf-8").splitlines() for one in _read(line)]


def _read(line: str) -> Iterator[Judgement]:
    try:
        yield Judgement(**json.loads(line))
    except (ValueError, TypeError):
        return


def keep(path: Path, judgements: Iterable[Judgement]) -> None:
    with path.open("a", encoding="utf-8") as file:
        for one in judgements:
            file.write(json.dumps(asdict(one)) + "\n")


def table(judgements: Sequence[Judgement]) -> list[str]:
    """Lines of a Markdown table: how often convlint and torch agree."""
    wrong = [one for one in judgements if one.raises is not None]
    found = [one for one in wrong if one.given == "agrees"]
    fixes = [one for one in found if one.fix is not None]
    features = [one for one in wrong if one.kind in OF_FEATURES]
    rows = [
        ("mutants", str(len(judgements)), ""),
        ("of them refused by torch", *_share(len(wrong), len(judgements))),
        ("inputs given: agrees with torch", *_agreeing(judgements, "given")),
        ("inputs given: false alarms", *_count(judgements, "given", "false alarm")),
        ("inputs given: not checked", *_count(judgements, "given", "not checked")),
        ("the layer is right", *_share(sum(bool(one.is_layer_right) for one in found), len(found))),
        ("the mutated line is the one pointed at", *_true(one.is_row_right for one in found)),
        ("the mutated line is named", *_true(one.is_row_named for one in found)),
        ("offered edits that run", *_share(sum(one.fix == "runs" for one in fixes), len(fixes))),
        ("bare: false alarms", *_count(judgements, "bare", "false alarm")),
        ("bare: channels and features found", *_agreeing(features, "bare")),
    ]
    return ["| | number | share |", "|---|---:|---:|", *(f"| {' | '.join(row)} |" for row in rows)]


def _agreeing(judgements: Sequence[Judgement], which: str) -> tuple[str, str]:
    return _count(judgements, which, "agrees")


def _count(judgements: Sequence[Judgement], which: str, wanted: str) -> tuple[str, str]:
    return _share(Counter(getattr(one, which) for one in judgements)[wanted], len(judgements))


def _true(answers: Iterable[bool | None]) -> tuple[str, str]:
    """Of those that there are."""
    given = [answer for answer in answers if answer is not None]
    return _share(sum(given), len(given))


def _share(part: int, whole: int) -> tuple[str, str]:
    return f"{part} of {whole}", f"{part / whole:.1%}" if whole else ""
