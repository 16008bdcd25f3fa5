"""The two operands of a call whose sizes differ: a sum, or a concatenation."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import sympy
from torch import fx

from convlint.worker.analysis.edits.case import EditCase, layers_behind
from convlint.worker.analysis.edits.operands import operand_expressions
from convlint.worker.analysis.edits.syntax import SourceExpression
from convlint.worker.trace.nodes import ancestors

_NEAREST = 4
"""Layers of one side that are looked at."""
_WINDOWED = 16
"""Layers with windows of one side that are looked at for one that changes sizes in an unusual way."""


@dataclass(frozen=True)
class Operand:
    """One operand: its sizes, and the layers that it alone is made of, the nearest first."""

    shape: tuple[sympy.Expr, ...]
    layers: tuple[fx.Node, ...]
    windowed: tuple[fx.Node, ...]  # those of its layers, also of the ones behind, that have windows
    written: SourceExpression | None


def pair_of(case: EditCase) -> tuple[Operand, Operand] | None:
    """The two operands that differ, where both have channels and places."""
    given = [node for node in case.node.all_input_nodes if node.meta.get("outputs")]
    if len(given) < 2:
        return None
    index = _differing(case, len(given))
    nodes = (given[0], given[index])
    shapes = [node.meta["outputs"][0].formulas for node in nodes]
    if len(shapes[0]) != len(shapes[1]) or len(shapes[0]) < 3:
        return None
    parts = operand_expressions(case)
    written = [parts[0], parts[index]] if len(parts) == len(given) else [None, None]
    own = [_layers_of_one(*nodes), _layers_of_one(*reversed(nodes))]
    windowed = [_windowed(node) for node in nodes]
    first, second = (Operand(shapes[i], own[i], windowed[i], written[i]) for i in range(2))
    return first, second


def _differing(case: EditCase, count: int) -> int:
    """The number of the operand that does not fit the first one."""
    steps = case.finding.violation.operand
    index = int(steps[len("inputs[")]) if steps.startswith("inputs[") and steps[7].isdigit() else 1
    return index if index < count else 1


def _layers_of_one(node: fx.Node, other: fx.Node) -> tuple[fx.Node, ...]:
    """The nearest layers that one operand is made of, and the other one is not."""
    shared = set(ancestors(other))
    return tuple(one for one in layers_behind(node) if one not in shared)[:_NEAREST]


def _windowed(node: fx.Node) -> tuple[fx.Node, ...]:
    found = (one for one in layers_behind(node) if hasattr(one.meta["layer"], "kernel_size"))
    return tuple(islice(found, _WINDOWED))


def example_sizes(case: EditCase) -> dict[sympy.Symbol, sympy.Integer]:
    """What each symbol of the run stands for in it."""
    run = case.run
    return {symbol: sympy.Integer(run.run_spec.sizes[name]) for symbol, name in run.names.items()}
