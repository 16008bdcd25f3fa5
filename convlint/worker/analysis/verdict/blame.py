"""Which place in the user's code a broken requirement stands for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sympy
from torch import fx, nn

from convlint.facts import Span
from convlint.ops.requirements import requirement_kind
from convlint.worker.analysis.layers import argument_span, site_of
from convlint.worker.analysis.session import Run
from convlint.worker.build.skeleton import Sites
from convlint.worker.stack.users import IsUser
from convlint.worker.trace.trail import Requirement

_MADE = ("out_channels", "out_features", "num_features", "hidden_size", "embedding_dim", "embed_dim")


@dataclass(frozen=True)
class Blame:
    """The expression at fault, and the path of the layer or block it belongs to."""

    at: Span | None = None
    layer: str | None = None


def blame(requirement: Requirement, run: Run, root: nn.Module, sites: Sites, is_user: IsUser) -> Blame:
    node = run.trace.nodes[requirement.node] if requirement.node is not None else None
    if node is None:
        return Blame(requirement.at, requirement.layer)
    layer = node.meta.get("layer")
    if layer is not None and requirement.argument is not None:
        chain = sites.chain(layer)
        return Blame(argument_span(layer, requirement.argument, chain, is_user) or site_of(chain, is_user))
    if requirement.name == "batch":
        return _reader(requirement, node, sites, is_user)
    if layer is None and requirement_kind(requirement.name).along is not None:
        return _holder(node, root, sites, is_user)
    if requirement_kind(requirement.name).is_of_two_sides and node.meta["block"]:
        return _giver(requirement, node, root, sites, is_user)
    return Blame()


def _holder(node: fx.Node, root: nn.Module, sites: Sites, is_user: IsUser) -> Blame:
    """The constructor of the layer whose weight a function is given, as in `F.linear(x, self.proj.weight)`."""
    weights = [str(one.target) for one in node.all_input_nodes if one.op == "get_attr"]
    path, _, name = weights[0].rpartition(".") if weights else ("", "", "")
    if name != "weight" or not path:
        return Blame()
    return Blame(site_of(sites.chain(root.get_submodule(path)), is_user), path)


def _reader(requirement: Requirement, node: fx.Node, sites: Sites, is_user: IsUser) -> Blame:
    """The Linear that a reshape was written for: its in_features is the number in question."""
    layer = linear_behind(node, requirement.expected)
    if layer is None:
        return Blame()
    module = layer.meta["layer"]
    chain = sites.chain(module)
    at = argument_span(module, "in_features", chain, is_user) or site_of(chain, is_user)
    return Blame(at, str(layer.target))


def linear_behind(node: fx.Node, features: sympy.Expr | str) -> fx.Node | None:
    """The Linear with so many in_features that reads this node through calls that keep its shape."""
    for user in node.users:
        layer = user.meta.get("layer")
        if isinstance(layer, nn.Linear):
            return user if layer.in_features == features else None
        if user.meta.get("outputs") and [m.formulas for m in user.meta["outputs"]] == [
            m.formulas for m in node.meta["outputs"]
        ]:
            found = linear_behind(user, features)
            if found is not None:
                return found
    return None


def _giver(requirement: Requirement, node: fx.Node, root: nn.Module, sites: Sites, is_user: IsUser) -> Blame:
    """The argument of the block's own construction that gave one of the two numbers."""
    block = root.get_submodule(node.meta["block"])
    own = site_of(sites.chain(block), is_user)
    if own is None:
        return Blame()
    for layer in _makers(node):
        module = layer.meta["layer"]
        for name in _MADE:
            if getattr(module, name, None) not in (requirement.actual, requirement.expected):
                continue
            at = argument_span(module, name, sites.chain(module), is_user)
            if at is not None and _within(at, own):
                return Blame(at, node.meta["block"])
    return Blame()


def _makers(node: fx.Node) -> Iterator[fx.Node]:
    """The layers of the same block that the operands come from, nearest first."""
    queue, seen = list(node.all_input_nodes), set[fx.Node]()
    while queue:
        current = queue.pop(0)
        if current in seen or current.meta.get("block") != node.meta["block"]:
            continue
        seen.add(current)
        if current.meta.get("layer") is not None:
            yield current
        queue.extend(current.all_input_nodes)


def _within(inner: Span, outer: Span) -> bool:
    return (
        inner.filename == outer.filename
        and (outer.row, outer.column) <= (inner.row, inner.column)
        and (inner.end_row, inner.end_column) <= (outer.end_row, outer.end_column)
    )
