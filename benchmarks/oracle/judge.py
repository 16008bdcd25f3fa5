"""Torch's word against convlint's, for one mutant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from benchmarks.oracle.linted import Linted
from benchmarks.oracle.mutants import Mutant
from benchmarks.oracle.net import Net
from benchmarks.oracle.truth import Raised, Real, Truth
from convlint.diagnostics import Diagnostic, Edit

BATCHES = (2, 3)
OF_FEATURES = ("times 2", "plus 1", "plus 16", "swapped arguments")
"""The kinds of mutants that change channels or features."""

Agreement = Literal["agrees", "false alarm", "missed", "not checked"]


@dataclass(frozen=True)
class Judgement:
    """One mutant in a table: plain values, to be kept as JSON."""

    name: str
    family: str
    kind: str
    row: int
    change: str
    raises: str | None  # torch's error; None where it runs
    is_built: bool
    given: Agreement
    bare: Agreement
    is_layer_right: bool | None = None  # of the findings with inputs given
    is_row_right: bool | None = None
    fix: Literal["runs", "raises"] | None = None
    said: str = ""


def truth_of(net: Net) -> Truth:
    """What torch says at two batches: the first refusal, if there is one."""
    real = Real(net)
    told = [real.run({"B": batch}) for batch in BATCHES]
    return next((one for one in told if isinstance(one, Raised)), told[0])


def judge(name: str, family: str, mutant: Mutant, truth: Truth, given: Linted, bare: Linted) -> Judgement:
    raised = truth if isinstance(truth, Raised) else None
    judgement = Judgement(
        name=name,
        family=family,
        kind=mutant.kind,
        row=mutant.row,
        change=f"{mutant.before} -> {mutant.after}",
        raises=None if raised is None else f"{raised.error}: {raised.words[:120]}",
        is_built=raised is None or raised.is_built,
        given=_agreement(given, raised),
        bare=_agreement(bare, raised),
        said=_said(given) or _said(bare),
    )
    if raised is None or not given.errors:
        return judgement
    return replace(
        judgement,
        is_layer_right=_is_layer_right(given, raised, mutant.row),
        is_row_right=any(_covers(one, mutant.row) for one in given.errors),
        fix=_fixed(given),
    )


def _agreement(linted: Linted, raised: Raised | None) -> Agreement:
    if linted.errors:
        return "agrees" if raised is not None else "false alarm"
    if raised is None:
        return "agrees"
    return "missed" if linted.model is not None and linted.model.status == "checked" else "not checked"


def _said(linted: Linted) -> str:
    if linted.errors:
        return "; ".join(f"{one.code} {one.location.row}: {one.message}" for one in linted.errors)[:300]
    model = linted.model
    return "" if model is None or model.reason is None else model.reason[:200]


def _is_layer_right(linted: Linted, raised: Raised, mutated: int) -> bool:
    """Whether a finding stands at the call that raises, or at the very argument that was changed."""
    if any(_covers(one, mutated) or one.location.row in raised.rows for one in linted.errors):
        return True
    nodes = [node for node in (linted.model.nodes if linted.model is not None else ()) if node.unmet]
    return any(
        (raised.layer and node.layer == raised.layer) or (node.call is not None and node.call.row in raised.rows)
        for node in nodes
    )


def _covers(one: Diagnostic, row: int) -> bool:
    return one.location.row <= row <= one.end_location.row


def _fixed(linted: Linted) -> Literal["runs", "raises"] | None:
    """What torch says of the net with all that was offered."""
    edits = [edit for one in linted.errors if one.fix is not None for edit in one.fix.edits]
    if not edits or any(one.fix is None for one in linted.errors):
        return None
    fixed = replace(linted.net, source=edited(linted.net.source, edits))
    return "raises" if isinstance(truth_of(fixed), Raised) else "runs"


def edited(source: str, edits: Sequence[Edit]) -> str:
    """The text with the edits in place, each once."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    places = {
        (starts[e.location.row - 1] + e.location.column - 1, starts[e.end_location.row - 1] + e.end_location.column - 1): e
        for e in edits
    }  # fmt: skip
    for (start, end), edit in sorted(places.items(), reverse=True):
        source = source[:start] + edit.content + source[end:]
    return source
