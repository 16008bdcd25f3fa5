"""Which of the broken requirements are mistakes of their own."""

from __future__ import annotations

from collections.abc import Iterable

import sympy

from convlint.worker.deciding.blame import linear_behind
from convlint.worker.run import Run
from convlint.worker.sizes import Size
from convlint.worker.torch_private.symbols import expr_of
from convlint.worker.trace import tensors_in
from convlint.worker.trail import Need, Stop

# Requirements whose node hands its own size on; behind a convolution or a Linear a size is what that declares.
_HANDED_ON = frozenset(
    {
        "num_features",
        "normalized_shape",
        "num_parameters",
        "num_groups",
        "divisible",
        "embed_dim",
        "kdim",
        "vdim",
        "broadcast",
        "concat",
        "batch",
        "elements",
    }
)
_PER_DIM = frozenset({"concat", "broadcast", "spatial"})
_OF_LAYOUT = frozenset({"rank", "matmul"})
_ANCHORS = ("Conv", "Linear", "Bilinear", "Embedding", "LSTM", "GRU", "RNN")


def is_harmless(need: Need, run: Run) -> bool:
    """A batch that grows is meant to, if nothing was built for the smaller number or the output has the batch again."""
    assert need.node is not None
    node = run.trace.nodes[need.node]
    if isinstance(need.came, sympy.Integer) and isinstance(need.needed, sympy.Integer) and need.came % need.needed:
        return False  # torch refuses it, or takes it at some batch sizes only
    if linear_behind(node, need.needed) is None:
        return True
    outputs = [meta for out in run.trace.graph.nodes if out.op == "output" for meta in _output_shapes(run)]
    grown = node.meta["outputs"] and expr_of(node.meta["outputs"][0].shape[0]) != expr_of(run.batch or 0)
    return bool(grown) and all(shape and expr_of(shape[0]) == expr_of(run.batch or 0) for shape in outputs)


def _output_shapes(run: Run) -> list[tuple[Size, ...]]:

    return [tuple(x.shape) for x in tensors_in(run.trace.output)]


def without_follow_ups(rejected: Iterable[Need | Stop], run: Run) -> list[Need | Stop]:
    """Drop what an earlier mistake explains: the same two numbers, met again behind it."""
    kept: list[Need | Stop] = []
    for item in rejected:
        if isinstance(item, Need):
            if item.name == "batch" and item.condition is sympy.false and is_harmless(item, run):
                continue
            pair = {str(item.came), str(item.needed)}
            earlier = [
                k for k in kept if isinstance(k, Need) and k.name in _HANDED_ON and {str(k.came), str(k.needed)} == pair
            ]
            if any(_is_behind(run, item, before) for before in earlier):
                continue
            if item.name in _OF_LAYOUT and any(
                isinstance(k, Need) and k.name in _OF_LAYOUT and _is_behind(run, item, k) for k in kept
            ):
                continue  # what a product or a call with too few dims gives, is a guess
            if item.name in _PER_DIM and any(
                (k.node, k.name) == (item.node, item.name) for k in kept if isinstance(k, Need)
            ):
                continue  # height and width of one operation are one mistake
        kept.append(item)
    return kept


def _is_behind(run: Run, later: Need, earlier: Need) -> bool:
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
