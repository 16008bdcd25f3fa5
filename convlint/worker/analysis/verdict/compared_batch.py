"""A metric or a loss in plain arithmetic that compares each prediction with the targets of all examples.

`(prediction == target).sum()` and `((prediction - target) ** 2).mean()` with `[B, 1]` and `[B]`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from torch import fx

from convlint.facts import Violation
from convlint.worker.analysis.session import Run
from convlint.worker.analysis.solving.formulas import formula
from convlint.worker.analysis.verdict.findings import Finding
from convlint.worker.ops.loss.elements import is_one_dim_apart
from convlint.worker.trace.nodes import ancestors
from convlint.worker.trace.trace import TensorMeta

NAME: Final = "metric_broadcast"
_COMPARED: Final = {
    **dict.fromkeys(("eq", "__eq__"), "=="),
    **dict.fromkeys(("ne", "__ne__"), "!="),
    **dict.fromkeys(("sub", "__sub__", "__rsub__", "subtract"), "-"),
}
_PASSED: Final = frozenset(
    {
        *("float", "int", "long", "double", "to", "type", "cpu", "detach", "logical_not"),
        *("pow", "__pow__", "square", "abs", "__abs__", "sqrt"),
    }
)
"""Calls between a comparison and the sum over it."""
_SUMS: Final = frozenset({"sum", "mean", "count_nonzero"})
_WANTED: Final = frozenset({"unsqueeze", "__getitem__", "view", "reshape"})
"""What makes a column for a table of pairs."""


def compared_batches(run: Run) -> Iterator[Finding]:
    """Comparisons of what layers give with what none gives, across the examples, of which nothing but a sum is kept."""
    for i, node in enumerate(run.trace.nodes):
        metas: list[TensorMeta] = node.meta.get("inputs", [])
        if _short(node) in _COMPARED and len(metas) == 2 and _is_mixed(node, metas) and _is_summed(node):
            shapes = [f"[{', '.join(formula(size, run.names) for size in meta.formulas)}]" for meta in metas]
            violation = Violation(
                name=NAME,
                operand="inputs[1].shape",
                expected=shapes[0],
                actual=shapes[1],
                verdict="proved",
                operator=_COMPARED[_short(node)],
            )
            yield Finding(i, violation, (str(node.name), NAME, "inputs"))


def _short(node: fx.Node) -> str:
    return str(node.meta.get("name")).rpartition(".")[2]


def _is_mixed(node: fx.Node, metas: list[TensorMeta]) -> bool:
    operands = list(node.all_input_nodes)
    if len(operands) != 2:
        return False
    if len(metas[0].shape) < len(metas[1].shape):
        metas, operands = metas[::-1], operands[::-1]
    if len(metas[0].shape) == len(metas[1].shape) or not is_one_dim_apart(metas[0].shape, metas[1].shape):
        return False
    return _short(operands[0]) not in _WANTED and sum(map(_has_layers, operands)) == 1


def _has_layers(node: fx.Node) -> bool:
    return any(one.meta.get("layer") is not None for one in ancestors(node))


def _is_summed(node: fx.Node) -> bool:
    """Whether all that becomes of a result is one number."""
    if not node.users:
        return False
    return all(_is_sum(user) or (_short(user) in _PASSED and _is_summed(user)) for user in node.users)


def _is_sum(node: fx.Node) -> bool:
    metas: list[TensorMeta] = node.meta.get("outputs", [])
    return _short(node) in _SUMS and len(metas) == 1 and not metas[0].shape
