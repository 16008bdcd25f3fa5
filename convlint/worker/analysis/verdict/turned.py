"""A length that must equal another dim of the same tensors: one of two operands has its dims in another order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import sympy
from torch import fx

from convlint.facts import Span, Violation
from convlint.worker.analysis.session import Run, TraceSession
from convlint.worker.analysis.solving.accepted import accepted_sizes
from convlint.worker.analysis.solving.explore import Outcome
from convlint.worker.analysis.solving.fixed_sizes import run_spec_at
from convlint.worker.analysis.solving.search import SPATIAL
from convlint.worker.analysis.verdict.counterexamples import is_taken_in_another_form
from convlint.worker.stack.places import span_of
from convlint.worker.trace.input import BATCH, hint
from convlint.worker.trace.trail import Requirement, Stop

NAME = "turned_by_chance"
_MORE = (5, 12)
"""How much longer other sequences are."""

Formulas = tuple[sympy.Expr, ...]


def turned_by_chance(session: TraceSession, outcome: Outcome) -> Iterator[Violation]:
    """The only length that two operands take, whose dims are the same but for their order."""
    for name in outcome.first.run_spec.sizes:
        if name == BATCH or name[0] in SPATIAL:
            continue
        size = (outcome.accepted or {}).get(name, outcome.first.run_spec.sizes[name])
        if size == hint(name) or len(accepted_sizes(outcome).get(name, ())) > 1:
            continue  # nothing asks for this length
        runs = list(_refused(session, outcome, name, size))
        pairs = [_pair(run, name, size) for run in runs]
        if len(pairs) < len(_MORE) or not all(pairs) or is_taken_in_another_form(session, outcome.first):
            continue
        yield Violation(
            name=NAME, operand="forward", expected=size, actual=name, sizes=f"{name} in {{{size}}}", at=_place(runs[0])
        )


def other_length(session: TraceSession, outcome: Outcome, name: str, size: int) -> Run:
    """A run with a longer sequence."""
    return next(_refused(session, outcome, name, size))


def _refused(session: TraceSession, outcome: Outcome, name: str, size: int) -> Iterator[Run]:
    """Runs with longer sequences, as long as these are refused; also the length that a first run has."""
    for other in dict.fromkeys((*(size + more for more in _MORE), hint(name))):
        if other == size:
            continue
        run = session.run(run_spec_at(outcome.first.run_spec, {**(outcome.accepted or {}), name: other}))
        if run.comes_through:
            return
        yield run


def turned_pair(node: fx.Node) -> tuple[fx.Node, fx.Node, int, int] | None:
    """Two operands of a call, and the dims by whose exchange one has the shape of the other."""
    operands = [one for one in node.all_input_nodes if len(one.meta.get("outputs", ())) == 1]
    for i, one in enumerate(operands):
        for other in operands[i + 1 :]:
            swapped = _exchanged(*(_shape(operand) for operand in (one, other)))
            if swapped is not None:
                return one, other, *swapped
    return None


def _shape(node: fx.Node) -> Formulas:
    shape: Formulas = node.meta["outputs"][0].formulas
    return shape


def _exchanged(one: Sequence[sympy.Expr], other: Sequence[sympy.Expr]) -> tuple[int, int] | None:
    """The two dims, after the batch, that two shapes have in exchange; that are all in which they differ."""
    if len(one) != len(other) or Counter(one) != Counter(other):
        return None
    differing = [i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    return (differing[0], differing[1]) if len(differing) == 2 and differing[0] > 0 else None


def refusing_node(run: Run) -> fx.Node | None:
    """The call that a run breaks first, or that ends it."""
    for event in run.trace.trail.events:
        if (isinstance(event, Stop) or (isinstance(event, Requirement) and not event.holds)) and event.node is not None:
            return run.trace.nodes[event.node]
    return None


def _pair(run: Run, name: str, size: int) -> bool:
    """Whether the refused call joins tensors of which one has the length where the other has this size."""
    node, symbol = refusing_node(run), run.symbols.get(name)
    found = turned_pair(node) if node is not None and symbol is not None else None
    if found is None:
        return False
    one, _, first, second = found
    return {_shape(one)[first], _shape(one)[second]} == {symbol, sympy.Integer(size)}


def _place(run: Run) -> Span | None:
    node = refusing_node(run)
    place = node.meta["place"] if node is not None else None
    return span_of(place) if place is not None else None
