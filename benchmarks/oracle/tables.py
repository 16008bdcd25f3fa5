"""The tables that results make, as lines of Markdown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from benchmarks.oracle.judge import OF_FEATURES, Judgement
from benchmarks.oracle.laws import Claims
from benchmarks.oracle.sweep.sources import FAMILIES
from benchmarks.oracle.sweep.swept import VERDICTS, Result


def of_judgements(judgements: Sequence[Judgement]) -> list[str]:
    """How often convlint and torch agree on mutants, a column for each source of them."""
    families = list(dict.fromkeys(one.family for one in judgements))
    columns = [dict(_agreement([one for one in judgements if one.family == family])) for family in families]
    rows = [(name, *(column[name] for column in columns)) for name in (columns[0] if columns else ())]
    return _table(("mutants of", *families), rows)


def _agreement(judgements: Sequence[Judgement]) -> Iterator[tuple[str, str]]:
    wrong = [one for one in judgements if one.raises is not None]
    found = [one for one in wrong if one.given == "agrees"]
    yield "", str(len(judgements))
    yield "refused by torch", _share(one.raises is not None for one in judgements)
    yield "inputs given: agrees with torch", _share(one.given == "agrees" for one in judgements)
    yield "inputs given: false alarms", str(sum(one.given == "false alarm" for one in judgements))
    yield "inputs given: not checked", _share(one.given == "not checked" for one in judgements)
    yield "the layer is right", _share(bool(one.is_layer_right) for one in found)
    yield "the mutated line is the one pointed at", _share(one.is_row_right for one in found)
    yield "the mutated line is named", _share(one.is_row_named for one in found)
    yield "offered edits that run", _share(one.fix == "runs" for one in found if one.fix is not None)
    yield "bare: false alarms", str(sum(one.bare == "false alarm" for one in judgements))
    yield "bare: channels and features found", _share(one.bare == "agrees" for one in wrong if one.kind in OF_FEATURES)


def of_claims(claims: Sequence[Claims]) -> list[str]:
    """How many claims of convlint's hold, and how many it does not make."""
    held, broken = sum(one.held for one in claims), sum(len(one.broken) for one in claims)
    rows = [
        ("nets that run", str(len(claims))),
        ("claims held against torch", str(held)),
        ("denied by torch", str(broken)),
        ("left open", str(sum(one.undecided for one in claims))),
    ]
    return _table(("", "number"), rows)


def of_sweep(results: Iterable[Result]) -> list[str]:
    """How many models of each family agree, of those that run on real tensors and are compared."""
    rows = []
    for kind in FAMILIES:
        own = [result for result in results if result.family == kind]
        counts = Counter[str](result.verdict for result in own)
        compared = len(own) - sum(counts[verdict] for verdict in _NOT_COMPARED)
        calls = sum(result.modules + result.functions for result in own)
        numbers = [str(counts[verdict]) for verdict in VERDICTS]
        if own:
            share = f"{counts['agrees'] / compared:.1%}" if compared else ""
            rows.append((kind, str(len(own)), share, *numbers, str(calls)))
    return _table(("", "models", "share", *VERDICTS, "calls"), rows)


def reasons(results: Iterable[Result]) -> list[str]:
    """Why models do not agree, without numbers and names, counted; an example of each."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for result in results:
        if result.verdict != "agrees":
            found.setdefault((result.family, result.verdict, _kind_of(result.reason)), []).append(result.name)
    order: dict[str, int] = {verdict: i for i, verdict in enumerate(VERDICTS)}
    rows = [
        (kind, verdict, reason.replace("|", "/"), str(len(names)), ", ".join(names[:3]))
        for (kind, verdict, reason), names in found.items()
    ]
    rows.sort(key=lambda row: (FAMILIES.index(row[0]), order[row[1]], -int(row[3])))
    return _table(("", "verdict", "reason", "models", "such as"), rows)


_NOT_COMPARED = ("not compared", "real run fails", "cannot be built")


def _kind_of(reason: str) -> str:
    return re.sub(r"\d+", "N", re.sub(r"'[^']*'", "'...'", reason))[:140]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The first column holds names, and so do those that have words."""
    lines = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
    return [line.replace("|  |", "| |") for line in lines]


def _share(answers: Iterable[bool | None]) -> str:
    """Of those that there are."""
    given = [answer for answer in answers if answer is not None]
    return f"{sum(given) / len(given):.1%} ({sum(given)} of {len(given)})" if given else ""
