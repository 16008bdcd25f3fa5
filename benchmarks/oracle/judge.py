"""Torch's word against convlint's, for one mutant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, product
from typing import Literal

from benchmarks.oracle.apart import apart
from benchmarks.oracle.linted import Linted
from benchmarks.oracle.mutants import Mutant
from benchmarks.oracle.net import Net
from benchmarks.oracle.truth import Raised, Ran, Real, Truth
from convlint.diagnostics import Diagnostic, Edit, Location, Place, Related
from convlint.inputspec import InputSpec
from convlint.sentences import sentence

BATCHES = (2, 3)
OF_FEATURES = ("times 2", "plus 1", "plus 16", "swapped arguments")
"""The kinds of mutants that change channels or features."""

_USUAL = (16, 28, 32, 64, 8, 12, 24, 7, 224, 3, 4)
_TRIES = 600
_SECONDS = 15.0  # for all tries together
_BREAK = re.compile(r"\r\n|\r|\n")  # what ends a row for Python; str.splitlines knows more

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
    is_row_right: bool | None = None  # the finding stands there; None too where nothing is left on the row
    is_row_named: bool | None = None  # there, or at a place that the finding shows or names
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
        given=_agreement(given, truth),
        bare=_bare_agreement(bare, truth),
        said=_said(given) or _said(bare),
    )
    if raised is None or not given.errors:
        return judgement
    return replace(
        judgement,
        is_layer_right=_is_layer_right(given, raised, mutant.row),
        is_row_right=_is_at(given.errors, mutant),
        is_row_named=_is_at([*given.errors, *_named(given)], mutant),
        fix=_fixed(given),
    )


def _agreement(linted: Linted, truth: Truth) -> Agreement:
    if linted.errors:
        return "agrees" if isinstance(truth, Raised) or _folds_the_batch(linted, truth) else "false alarm"
    if isinstance(truth, Ran):
        return "agrees"
    return "missed" if linted.model is not None and linted.model.status == "checked" else "not checked"


def _folds_the_batch(linted: Linted, truth: Ran) -> bool:
    """Whether the findings are about nothing else, and the net gives more examples than it takes, or fewer."""
    return (
        all(one.code == "CL109" for one in linted.errors)
        and truth.output is not None
        and truth.output[:1] != BATCHES[:1]
    )


def _bare_agreement(linted: Linted, truth: Truth) -> Agreement:
    """Without a given input, a net is right as soon as there is an input that it takes: torch has to take that one."""
    agreement = _agreement(linted, truth)
    # Large sizes cost real torch minutes, or all memory.
    runs = agreement == "missed" and apart(partial(_runs_as_told, linted), _SECONDS) is True
    return "agrees" if runs else agreement


def _runs_as_told(linted: Linted) -> bool:
    """Whether torch runs the net with the inputs that convlint has found for it, at some of the sizes it names."""
    model = linted.model
    if model is None or any(one.shape is None or one.within is not None for one in model.inputs):
        return False
    specs = tuple(InputSpec(shape=one.shape, dtype=one.dtype or "float32") for one in model.inputs)
    names = {size for spec in specs for size in spec.shape or () if isinstance(size, str)} - {"B"}
    if any(not name.isidentifier() for name in names):
        return False
    choices = [[(name, size) for size in sorted(model.sizes.get(name) or _USUAL)] for name in sorted(names)]
    real = Real(replace(linted.net, inputs=specs))
    tries = islice(product(*choices), _TRIES)
    return any(all(isinstance(real.run({**dict(sizes), "B": n}), Ran) for n in BATCHES) for sizes in tries)


def _said(linted: Linted) -> str:
    if linted.errors:
        return "; ".join(f"{one.code} {one.location.row}: {one.message}" for one in linted.errors)[:300]
    model = linted.model
    return "" if model is None or model.reason is None else sentence(model.reason)[:200]


def _is_layer_right(linted: Linted, raised: Raised, mutated: int) -> bool:
    """Whether a finding stands at the call that raises, or at the very argument that was changed."""
    if any(_covers(one, mutated) or one.location.row in raised.rows for one in linted.errors):
        return True
    nodes = [node for node in (linted.model.nodes if linted.model is not None else ()) if node.violations]
    return any(
        (raised.layer and node.layer == raised.layer) or (node.call is not None and node.call.row in raised.rows)
        for node in nodes
    )


def _is_at(places: Iterable[Diagnostic | Related | Place], mutant: Mutant) -> bool | None:
    """Whether one of the places is on a mutated row; None where the mutant has left nothing there to point at."""
    if _BREAK.split(mutant.source)[mutant.row - 1].strip() in ("", "pass"):
        return None
    return any(_covers(one, row) for one in places for row in _rows(mutant))


def _rows(mutant: Mutant) -> range:
    """The mutated rows: of a swap all from its first to its last, else one."""
    more = len(_BREAK.findall(mutant.after)) if mutant.kind.startswith("swapped") else 0
    return range(mutant.row, mutant.row + more + 1)


def _named(linted: Linted) -> Iterator[Related | Place]:
    """What the findings show in this file next to their own places: calls, and the constructors of what is called."""
    for one in linted.errors:
        for related in one.related:
            made_at = (related.made_at,) if related.made_at is not None else ()
            yield from (place for place in (related, *made_at) if place.filename == linted.facts.filename)


def _covers(one: Diagnostic | Related | Place, row: int) -> bool:
    end = one.end_location if one.end_location is not None else one.location
    return one.location.row <= row <= end.row


def _fixed(linted: Linted) -> Literal["runs", "raises"] | None:
    """What torch says of the net with all that was offered."""
    edits = [edit for one in linted.errors if one.fix is not None for edit in one.fix.edits]
    if not edits or any(one.fix is None for one in linted.errors):
        return None
    told = truth_of(replace(linted.net, source=edited(linted.net.source, edits)))
    if isinstance(told, Ran):
        return "runs"
    return "raises" if told.is_about_shapes else None  # a net with two sizes swapped may be too large


def _index(starts: Sequence[int], at: Location) -> int:
    return starts[at.row - 1] + at.column - 1


def edited(source: str, edits: Sequence[Edit]) -> str:
    """The text with the edits in place, each once."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    places = {(_index(starts, edit.location), _index(starts, edit.end_location)): edit.content for edit in edits}
    for (start, end), content in sorted(places.items(), reverse=True):
        source = source[:start] + content + source[end:]
    return source
