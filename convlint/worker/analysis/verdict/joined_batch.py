"""Results of several layers for one input, joined along the batch: the output has more examples than the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sympy
from torch import fx

from convlint.facts import Violation
from convlint.worker.analysis.session import Run
from convlint.worker.analysis.solving.formulas import formula
from convlint.worker.analysis.verdict.findings import Finding
from convlint.worker.torch_private.symbols import expr_of
from convlint.worker.trace.input import BATCH
from convlint.worker.trace.nodes import ancestors
from convlint.worker.trace.trace import TensorMeta
from convlint.worker.values.nesting import tensors_in

NAME = "batch_joined"
_JOINS = ("torch.cat", "torch.concat", "torch.concatenate")


def joined_batches(run: Run) -> Iterator[Finding]:
    """Joins along dimension 0 of branches that go back to one input through different layers.

    What forward takes apart again, or makes of two inputs or of two views of one by the same layers, is meant.
    """
    batch = run.symbols.get(BATCH)
    if batch is None or run.trace.trail.end() is not None:
        return
    outputs = [tuple(map(expr_of, x.shape)) for x in tensors_in(run.trace.output)]
    for i, node in enumerate(run.trace.nodes):
        metas: list[TensorMeta] = node.meta.get("outputs", [])
        if node.meta.get("name") not in _JOINS or not metas or not _joins_branches(node, batch):
            continue
        joined = metas[0].formulas[0]
        if outputs and all(shape and shape[0] == joined for shape in outputs):
            violation = Violation(
                name=NAME, operand="input.shape[0]", expected=BATCH, actual=formula(joined, run.names), verdict="proved"
            )
            yield Finding(i, violation, (str(node.name), NAME, "batch"))


def _joins_branches(node: fx.Node, batch: sympy.Symbol) -> bool:
    metas: list[TensorMeta] = node.meta["inputs"]
    dim = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
    branches = node.all_input_nodes
    if dim != 0 or len(metas) < 2 or len(branches) != len(metas):
        return False
    if any(len(meta.shape) < 2 or meta.formulas[0] != batch for meta in metas):
        return False
    return _have_one_source(branches) and _have_own_layers(branches)


def _have_one_source(branches: Sequence[fx.Node]) -> bool:
    """Whether all go back to the same inputs."""
    inputs = [{one for one in ancestors(branch) if one.op == "placeholder"} for branch in branches]
    return bool(inputs[0]) and all(one == inputs[0] for one in inputs)


def _have_own_layers(branches: Sequence[fx.Node]) -> bool:
    """Whether each comes from a layer that not all come from."""
    nodes = ([one for one in ancestors(branch) if one.meta.get("layer") is not None] for branch in branches)
    layers = [{id(one.meta["layer"]) for one in found} for found in nodes]
    shared = set.intersection(*layers)
    return all(own - shared for own in layers)
