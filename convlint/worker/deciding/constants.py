"""Mistakes between plain numbers that no size of the input changes: they need no search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sympy
from torch import fx, nn

from convlint.worker.run import Run
from convlint.worker.shapes.layouts import interpolated, padded, padded_by_layer, upsampled
from convlint.worker.shapes.operands import broadcast, concatenated, same
from convlint.worker.shapes.rule import Rule
from convlint.worker.shapes.tables import FUNCTIONS, LAYERS
from convlint.worker.torch_private.modules import NORM_BASE
from convlint.worker.trail import Assumption, Halt, Key, Need, Stop


@dataclass(frozen=True)
class _Kind:
    """A dimension that layers declare: who makes it, and the rules of shapes that leave it as it is."""

    makers: tuple[type[nn.Module], ...]
    keeping: tuple[Rule, ...]


_POOLS = tuple(rule for kind, rule in LAYERS.items() if "Pool" in kind.__name__)
_POOL_FUNCTIONS = tuple(rule for name, rule in FUNCTIONS.items() if "_pool" in name)
_CHANNELS = _Kind(
    (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
    (same, upsampled, interpolated, padded, padded_by_layer, *_POOLS, *_POOL_FUNCTIONS),
)
_FEATURES = _Kind((nn.Linear, nn.Embedding), (same,))
_KINDS = {"in_channels": _CHANNELS, "num_features": _CHANNELS, "in_features": _FEATURES, "normalized_shape": _FEATURES}
_SAME = (nn.Identity, NORM_BASE, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)


def unconditional(run: Run, *, past_repairs: bool = False) -> Iterator[Need]:
    """The requirements that are false whatever the sizes are, at calls that every size comes to, each key once.

    A call is one of these as long as the user's code has asked nothing of a size before it. What comes behind a repair
    counts only where the shape that it gave has no part in it.
    """
    seen: set[Key] = set()
    for event in run.trace.trail.events:
        if isinstance(event, Stop | Halt) or (isinstance(event, Assumption) and not event.is_inner):
            return
        if not isinstance(event, Need):
            continue
        if event.condition is sympy.false:
            if event.key not in seen:
                seen.add(event.key)
                yield event
        elif not past_repairs and is_spoiling(run, event):
            return  # sizes that meet the requirement go another way


def is_spoiling(run: Run, need: Need) -> bool:
    """Whether a requirement is broken, and what comes behind it is of a repair."""
    return not need.holds and need.node is not None and bool(run.trace.nodes[need.node].meta["spoiled"])


def is_of_layers(run: Run, need: Need) -> bool:
    """Whether a mistake is between the declared sizes of two layers, with nothing between that could change them.

    Then it is the same for inputs of every shape that come so far: a convolution fixes its rank, and a Linear works on
    the last dimension of any.
    """
    kind = _KINDS.get(need.name)
    if kind is None or need.node is None or need.condition is not sympy.false:
        return False
    if not isinstance(need.came, sympy.Integer):
        return False
    node = run.trace.nodes[need.node]
    sources = node.all_input_nodes
    return node.meta.get("layer") is not None and len(sources) == 1 and _is_declared(sources[0], kind, {})


def _is_declared(node: fx.Node, kind: _Kind, known: dict[fx.Node, bool]) -> bool:
    """Whether the size that counts is what some layer declares, whatever goes into that layer."""
    if node not in known:
        known[node] = _is_made(node, kind, known)
    return known[node]


def _is_made(node: fx.Node, kind: _Kind, known: dict[fx.Node, bool]) -> bool:
    layer, sources = node.meta.get("layer"), node.all_input_nodes
    if isinstance(layer, kind.makers):
        return True
    if not sources:
        return False
    rule = FUNCTIONS.get(str(node.meta.get("name"))) if layer is None else _rule_of(type(layer))
    if rule is concatenated:
        return kind is _CHANNELS and _dim(node) == 1 and all(_is_declared(one, kind, known) for one in sources)
    if rule is broadcast:  # two sizes that fit together are one, and the layer's is more than 1
        return any(_is_declared(one, kind, known) for one in sources)
    return rule in kind.keeping and _is_declared(sources[0], kind, known)


def _rule_of(layer: type[nn.Module]) -> Rule | None:
    return same if issubclass(layer, _SAME) else LAYERS.get(layer)


def _dim(node: fx.Node) -> object:
    return node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
