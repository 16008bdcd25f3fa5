"""A mistake as a finding: where it stands, what belongs there, and the derivation of the number."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import sympy

from convlint.facts import Dim, Rival, Violation
from convlint.worker.analysis.session import Run, TraceSession
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
from convlint.worker.trace.trail import Key, Requirement, Stop


@dataclass(frozen=True)
class Finding:
    """A violation, at the node of the run that the facts describe."""

    node: int
    violation: Violation
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
    return any(isinstance(size, int) for item in run.run_spec.inputs for size in item.spec.shape or ())


def in_symbols(session: TraceSession, run: Run) -> Symbolic | None:
    inputs, known = named(run.run_spec.inputs)
    if not known:
        return None
    run_spec = replace(run.run_spec, inputs=inputs, sizes={**run.run_spec.sizes, **known})
    # At sizes far from 1 no dim collapses, so the formulas stay general.
    symbolic = session.run(replace(run_spec, sizes={**run_spec.sizes, **{name: hint(name) for name in known}}))
    values = {symbolic.symbols[name]: run_spec.sizes[name] for name in symbolic.symbols}
    return Symbolic(symbolic, explore(symbolic, session.run, symbolic.affordable(MAX_TRACES)), values)


def finding(
    session: TraceSession, outcome: Outcome, run: Run, item: Requirement | Stop, detail: Symbolic | None
) -> Finding:
    if isinstance(item, Stop):
        return Finding(
            item.node, Violation(name="raises", operand="input", detail=item.words), item.key, False, item.is_misuse
        )
    place = blame(item, run, session.model, session.sites, session.is_user)
    names = run.names
    actual, expected = (_shown(size, names) for size in (item.actual, item.expected))
    value = int(item.value) if item.value is not None and item.value.is_Integer else None
    violation = Violation(
        name=item.name,
        operand=item.operand,
        expected=expected,
        actual=actual,
        formula=actual if isinstance(actual, str) and not isinstance(item.actual, str) else None,
        argument=item.argument,
        layer=place.layer,
        value=value,
        at=place.at,
        detail=None if item.detail is None else str(_shown(item.detail, names)),
        evidence=_evidence(run),
        rival=_rival(outcome, run, item),
    )
    of_batch = any(names.get(symbol) == BATCH for symbol in item.condition.free_symbols)
    return Finding(item.node or 0, _with_symbols(violation, item, detail), item.key, of_batch)


def _rival(outcome: Outcome, run: Run, requirement: Requirement) -> Rival | None:
    found = rivalry(outcome, requirement)
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
    words = (item.source.words for item in run.run_spec.inputs if has_known_sizes(run))
    return next(filter(None, words), None)


def _with_symbols(violation: Violation, requirement: Requirement, detail: Symbolic | None) -> Violation:
    """Add the formula, its numbers, and the sizes that would do."""
    if detail is None:
        return violation
    twin = next((n for n in detail.run.trace.trail.needs() if n.key == requirement.key), None)
    if twin is None or isinstance(twin.actual, str):
        return violation
    if int(twin.actual.xreplace(detail.numbers)) != requirement.actual:
        return violation  # another path at these sizes
    proved = any(isinstance(n, Requirement) and n.key == requirement.key for n in detail.outcome.rejected)
    return violation.model_copy(
        update={
            "formula": dim(twin.actual, detail.run.names) if twin.actual.free_symbols else None,
            "derivation": derivation(twin.actual, detail.values),
            "verdict": "proved" if proved else "contradicted",
            "sizes": None if proved or _has_proof(requirement, detail) else usable_in_words(detail.outcome),
        }
    )


def _has_proof(requirement: Requirement, detail: Symbolic) -> bool:
    """Whether no size meets what the same call requires besides."""
    trail = detail.run.trace.trail
    own = {one.key for one in trail.broken() if one.node is not None and one.key[0] == requirement.key[0]}
    return any(isinstance(one, Requirement) and one.key in own for one in detail.outcome.rejected)
