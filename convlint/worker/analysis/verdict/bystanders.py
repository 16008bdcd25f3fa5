"""Inputs that have no part in a mistake: whatever their shape is, it stays the same."""

from __future__ import annotations

from collections.abc import Collection

import sympy
from torch import nn

from convlint.worker.analysis.session import Run
from convlint.worker.analysis.solving.elements import is_iterated
from convlint.worker.analysis.verdict.ways import asks_for_rank
from convlint.worker.trace.input import Input, symbols_of
from convlint.worker.trace.nodes import ancestors
from convlint.worker.trace.trail import Assumption


def bystanders(model: nn.Module, run: Run, nodes: Collection[int]) -> frozenset[str]:
    """The tensors that nothing at these calls was worked out from, and that decide no way through forward."""
    if asks_for_rank(model) or run.trace.decisions:
        return frozenset()
    used, decisive = _inputs_of(run, nodes), _decisive(run)
    unused = [item for item in run.run_spec.inputs if item.spec.shape is not None and item.name not in used]
    return frozenset(
        item.name for item in unused if decisive.isdisjoint(_own_axes(run, item)) and not is_iterated(run, item.name)
    )


def _inputs_of(run: Run, nodes: Collection[int]) -> set[str]:
    """The inputs that these calls were worked out from."""
    calls = [run.trace.nodes[number] for number in nodes]
    causes = {*calls, *(source for call in calls for source in ancestors(call))}
    return {str(node.meta["name"]) for node in causes if node.op == "placeholder"}


def _decisive(run: Run) -> set[str]:
    """The symbols that a way through forward was chosen by."""
    assumptions = [event for event in run.trace.trail.events if isinstance(event, Assumption)]
    asked = set[sympy.Basic]().union(*(event.condition.free_symbols for event in assumptions))
    return {run.names[symbol] for symbol in asked if symbol in run.names}


def _own_axes(run: Run, item: Input) -> set[str]:
    """The symbols of one input that no other one has: what is asked of the others is asked of those too."""
    others = {size for other in run.run_spec.inputs if other is not item for size in symbols_of((other,))}
    return set(symbols_of((item,))) - others
