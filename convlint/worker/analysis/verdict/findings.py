"""A mistake as a finding: where it stands, what belongs there, and the derivation of the number."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import sympy

from convlint.facts import Dim, Rival, Unmet
from convlint.worker.analysis.session import Run, Workshop
from convlint.worker.analysis.solving.accepted import usable_in_words
from convlint.worker.analysis.solving.dimensions import dim
from convlint.worker.analysis.solving.explore import Outcome, explore
from convlint.worker.analysis.solving.formulas import derivation
from convlint.worker.analysis.solving.naming import named
from convlint.worker.analysis.solving.search import MAX_TRACES
from convlint.worker.analysis.verdict.blame import blame
from convlint.worker.analysis.verdict.rivals import rivalry
from convlint.worker.stack.places import span_of
from convlint.worker.trace.input import BATCH, hint
from convlint.worker.trace.trail import Key, Need, Stop


@dataclass(frozen=True)
class Finding:
    """An unmet requirement, at the node of the run that the facts describe."""

    node: int
    unmet: Unmet
    key: Key
    is_about_batch: bool = False  # it may hold for some batch sizes
    is_misuse: bool = False  # a guessed input may be of the wrong kind


@dataclass(frozen=True)
class Symbolic:
    """The run in symbols, and what exploring it says."""

    run: Run
    outcome: Outcome
    values: dict[sympy.Symbol, int]

    @property
    def numbers(self) -> dict[sympy.Basic, sympy.Basic]:
        return {symbol: sympy.Integer(value) for symbol, value in self.values.items()}


def has_known_sizes(run: Run) -> bool:
    return any(isinstance(size, int) for item in run.course.inputs for size in item.spec.shape or ())


def in_symbols(shop: Workshop, run: Run) -> Symbolic | None:
    inputs, known = named(run.course.inputs)
    if not known:
        return None
    course = replace(run.course, inputs=inputs, sizes={**run.course.sizes, **known})
    # At sizes far from 1 no dim collapses, so the formulas stay general.
    symbolic = shop.run(replace(course, sizes={**course.sizes, **{name: hint(name) for name in known}}))
    values = {symbolic.symbols[name]: course.sizes[name] for name in symbolic.symbols}
    return Symbolic(symbolic, explore(symbolic, shop.run, symbolic.affordable(MAX_TRACES)), values)


def finding(shop: Workshop, outcome: Outcome, run: Run, item: Need | Stop, detail: Symbolic | None) -> Finding:
    if isinstance(item, Stop):
        return Finding(
            item.node, Unmet(name="raises", operand="input", detail=item.words), item.key, False, item.is_misuse
        )
    place = blame(item, run, shop.model, shop.sites, shop.is_user)
    names = run.names
    came, needed = (_shown(size, names) for size in (item.came, item.needed))
    value = int(item.value) if item.value is not None and item.value.is_Integer else None
    unmet = Unmet(
        name=item.name,
        operand=item.operand,
        needed=needed,
        came=came,
        formula=came if isinstance(came, str) and not isinstance(item.came, str) else None,
        argument=item.argument,
        layer=place.layer,
        value=value,
        at=place.at,
        detail=None if item.detail is None else str(_shown(item.detail, names)),
        evidence=_evidence(run),
        rival=_rival(outcome, run, item),
    )
    of_batch = any(names.get(symbol) == BATCH for symbol in item.condition.free_symbols)
    return Finding(item.node or 0, _with_symbols(unmet, item, detail), item.key, of_batch)


def _rival(outcome: Outcome, run: Run, need: Need) -> Rival | None:
    found = rivalry(outcome, need)
    if found is None or found.rival.node is None:
        return None
    node = run.trace.nodes[found.rival.node]
    place = node.meta["place"]
    title = str(node.target) if node.op == "call_module" else str(node.meta["name"])
    return Rival(title=title, sizes=found.rivals, alone=found.alone, at=span_of(place) if place else None)


def _shown(size: sympy.Expr | str, names: dict[sympy.Symbol, str]) -> Dim | str:
    """A size, or a text in which torch's names of symbols stand, under the symbols' own names."""
    if not isinstance(size, str):
        return dim(size, names)
    known = {str(symbol): name for symbol, name in names.items()}
    return re.sub(r"\bs\d+\b", lambda match: known.get(match.group(), match.group()), size)


def _evidence(run: Run) -> str | None:
    words = (item.source.words for item in run.course.inputs if has_known_sizes(run))
    return next(filter(None, words), None)


def _with_symbols(unmet: Unmet, need: Need, detail: Symbolic | None) -> Unmet:
    """Add the formula, its numbers, and the sizes that would do."""
    if detail is None:
        return unmet
    twin = next((n for n in detail.run.trace.trail.needs() if n.key == need.key), None)
    if twin is None or isinstance(twin.came, str):
        return unmet
    if int(twin.came.xreplace(detail.numbers)) != need.came:
        return unmet  # another path at these sizes
    proved = any(isinstance(n, Need) and n.key == need.key for n in detail.outcome.rejected)
    return unmet.model_copy(
        update={
            "formula": dim(twin.came, detail.run.names) if twin.came.free_symbols else None,
            "derivation": derivation(twin.came, detail.values),
            "verdict": "proved" if proved else "contradicted",
            "sizes": None if proved or _has_proof(need, detail) else usable_in_words(detail.outcome),
        }
    )


def _has_proof(need: Need, detail: Symbolic) -> bool:
    """Whether no size meets what the same call requires besides."""
    trail = detail.run.trace.trail
    own = {one.key for one in trail.broken() if one.node is not None and one.key[0] == need.key[0]}
    return any(isinstance(one, Need) and one.key in own for one in detail.outcome.rejected)
