"""Which of the broken requirements are mistakes of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sympy

from convlint.ops.requirements import requirement_kind
from convlint.worker.analysis.session import Run
from convlint.worker.analysis.verdict.blame import linear_behind
from convlint.worker.torch_private.symbols import expr_of
from convlint.worker.trace.trail import Requirement, Stop
from convlint.worker.values.nesting import tensors_in
from convlint.worker.values.sizes import Size

_ANCHORS = ("Conv", "Linear", "Bilinear", "Embedding", "LSTM", "GRU", "RNN")


def is_harmless(requirement: Requirement, run: Run) -> bool:
    """A batch that grows is meant to, if nothing was built for the smaller number or the output has the batch again."""
    assert requirement.node is not None
    node = run.trace.nodes[requirement.node]
    if (
        isinstance(requirement.actual, sympy.Integer)
        and isinstance(requirement.expected, sympy.Integer)
        and requirement.actual % requirement.expected
    ):
        return False  # torch refuses it, or takes it at some batch sizes only
    if linear_behind(node, requirement.expected) is None:
        return True
    outputs = [meta for out in run.trace.graph.nodes if out.op == "output" for meta in _output_shapes(run)]
    grown = node.meta["outputs"] and expr_of(node.meta["outputs"][0].shape[0]) != expr_of(run.batch or 0)
    return bool(grown) and all(shape and expr_of(shape[0]) == expr_of(run.batch or 0) for shape in outputs)


def _output_shapes(run: Run) -> list[tuple[Size, ...]]:

    return [tuple(x.shape) for x in tensors_in(run.trace.output)]


def without_follow_ups(rejected: Iterable[Requirement | Stop], run: Run) -> list[Requirement | Stop]:
    """Drop what an earlier mistake explains: the same two numbers, met again after it."""
    kept: list[Requirement | Stop] = []
    for item in rejected:
        if isinstance(item, Requirement):
            if item.name == "batch" and item.condition is sympy.false and is_harmless(item, run):
                continue
            if _follows(item, [one for one in kept if isinstance(one, Requirement)], run):
                continue
        kept.append(item)
    return kept


def _follows(requirement: Requirement, earlier: Sequence[Requirement], run: Run) -> bool:
    """Whether one of the mistakes before it explains a broken requirement."""
    kind, pair = requirement_kind(requirement.name), {str(requirement.actual), str(requirement.expected)}
    for one in earlier:
        before = requirement_kind(one.name)
        if before.keeps_size and {str(one.actual), str(one.expected)} == pair and _is_behind(run, requirement, one):
            return True
        if kind.loses_layout and before.loses_layout and _is_behind(run, requirement, one):
            return True
        if kind.per_dim and (one.node, one.name) == (requirement.node, requirement.name):
            return True
    return False


def _is_behind(run: Run, later: Requirement, earlier: Requirement) -> bool:
    if later.node is None or earlier.node is None:
        return False
    goal, queue, seen = run.trace.nodes[earlier.node], [run.trace.nodes[later.node]], set()
    while queue:
        node = queue.pop()
        if node is goal:
            return True
        anchored = (
            type(node.meta.get("layer")).__name__.startswith(_ANCHORS) and node is not run.trace.nodes[later.node]
        )
        if node not in seen and not anchored:
            seen.add(node)
            queue.extend(node.all_input_nodes)
    return False
