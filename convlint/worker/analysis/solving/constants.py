"""Mistakes between plain numbers that no size of the input changes: they need no search."""

from __future__ import annotations

from collections.abc import Iterator

import sympy
from torch import fx

from convlint.ops.requirements import Dimension, requirement_kind
from convlint.worker.analysis.session import Run
from convlint.worker.ops.elementwise import broadcast
from convlint.worker.ops.joining import concatenated
from convlint.worker.ops.registry import op_of, op_of_kind
from convlint.worker.trace.trail import Assumption, Key, Requirement, Stop, TraceStopped


def unconditional(run: Run, *, past_repairs: bool = False) -> Iterator[Requirement]:
    """The requirements that are false whatever the sizes are, at calls that every size comes to, each key once.

    A call is one of these as long as the user's code has asked nothing of a size before it. What comes after a repair
    counts only where the shape that it gave has no part in it.
    """
    seen: set[Key] = set()
    for event in run.trace.trail.events:
        if isinstance(event, Stop | TraceStopped) or (isinstance(event, Assumption) and not event.is_inner):
            return
        if not isinstance(event, Requirement):
            continue
        if event.condition is sympy.false:
            if event.key not in seen:
                seen.add(event.key)
                yield event
        elif not past_repairs and is_tainting(run, event):
            return  # sizes that meet the requirement go another way


def is_tainting(run: Run, requirement: Requirement) -> bool:
    """Whether a requirement is broken, and what follows it is of a repair."""
    return (
        not requirement.holds
        and requirement.node is not None
        and bool(run.trace.nodes[requirement.node].meta["tainted"])
    )


def is_of_layers(run: Run, requirement: Requirement, *, past_indexing: bool = False) -> bool:
    """Whether a mistake is between the declared sizes of two layers, with nothing between that could change them.

    Then it is the same for inputs of every shape that come so far: a convolution fixes its rank, and a Linear works on
    the last dimension of any. With `past_indexing` it is the same for those of the ranks of this run: `x[:, 0]` keeps
    the features of a sequence, and takes one of a vector.
    """
    along = requirement_kind(requirement.name).along
    if along is None or requirement.node is None or requirement.condition is not sympy.false:
        return False
    if not isinstance(requirement.actual, sympy.Integer):
        return False
    node = run.trace.nodes[requirement.node]
    sources = node.all_input_nodes
    return (
        node.meta.get("layer") is not None and len(sources) == 1 and _is_declared(sources[0], along, past_indexing, {})
    )


def _is_declared(node: fx.Node, along: Dimension, past_indexing: bool, known: dict[fx.Node, bool]) -> bool:
    """Whether the size that counts is what some layer declares, whatever goes into that layer."""
    if node not in known:
        known[node] = _is_made(node, along, past_indexing, known)
    return known[node]


def _is_made(node: fx.Node, along: Dimension, past_indexing: bool, known: dict[fx.Node, bool]) -> bool:
    layer, sources = node.meta.get("layer"), node.all_input_nodes

    def is_declared(one: fx.Node) -> bool:
        return _is_declared(one, along, past_indexing, known)

    if past_indexing and _keeps_features(node, along):
        return is_declared(sources[0])
    op = op_of_kind(layer) if layer is not None else op_of(None, str(node.meta.get("name")))
    if op is None or not sources:
        return op is not None and op.declares == along
    if op.shape is concatenated:
        return along == "channels" and _dim(node) == 1 and all(map(is_declared, sources))
    if op.shape is broadcast:  # two sizes that fit together are one, and the layer's is more than 1
        return any(map(is_declared, sources))
    return op.declares == along or (along in op.keeps and is_declared(sources[0]))


def _dim(node: fx.Node) -> object:
    return node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)


def _keeps_features(node: fx.Node, along: Dimension) -> bool:
    """Whether numbers and slices choose among dims before the last one."""
    if along != "features" or node.meta.get("name") != "torch.Tensor.__getitem__" or len(node.all_input_nodes) != 1:
        return False
    index, given = node.args[1], node.meta["inputs"]
    entries = index if isinstance(index, tuple) else (index,)
    is_plain = all(type(one) is int or one == "<slice>" for one in entries)
    return is_plain and bool(given) and len(entries) < len(given[0].shape)
