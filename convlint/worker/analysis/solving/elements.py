"""Inputs that forward iterates over: a list of tensors is as likely as one tensor, and its items may differ."""

from __future__ import annotations

from collections.abc import Iterator

from torch import fx

from convlint.worker.analysis.session import Run
from convlint.worker.trace.nodes import ancestors

_ITERATED = ("torch.Tensor.unbind", "torch.Tensor.__iter__")


def iterated_input(run: Run, node: int) -> str | None:
    """The input of which a node is given an item, if forward iterates over one whose rank is a guess."""
    if node >= len(run.trace.nodes):
        return None
    open_names = {item.name for item in run.run_spec.inputs if not item.is_settled}
    return next((name for name in _iterated(run.trace.nodes[node]) if name in open_names), None)


def is_iterated(run: Run, name: str) -> bool:
    """Whether forward takes an input apart along its first dim, so that its size counts the rounds of a loop."""
    return any(
        node.meta.get("name") in _ITERATED and name in {str(one.meta.get("name")) for one in ancestors(node)}
        for node in run.trace.nodes
    )


def _iterated(node: fx.Node) -> Iterator[str]:
    for one in ancestors(node):
        if one.meta.get("name") in _ITERATED:
            yield from (str(source.meta["name"]) for source in one.all_input_nodes if source.op == "placeholder")
