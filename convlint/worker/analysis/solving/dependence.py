"""Whether a size inside a model can depend on the sizes of its images and sequences, by the calls that it comes from.

Shapes alone say so: features stay what a layer declares through permutations, heads and joins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sympy
from torch import fx

from convlint.ops.requirements import requirement_kind
from convlint.worker.analysis.session import Run
from convlint.worker.analysis.solving.naming import named
from convlint.worker.ops.op import BOTH, DimRule, Op, Shape
from convlint.worker.ops.registry import op_of, op_of_kind
from convlint.worker.ops.regrouping import groups
from convlint.worker.ops.views import order_of_dims
from convlint.worker.trace.trace import TensorMeta
from convlint.worker.trace.trail import Requirement
from convlint.worker.values.sizes import equal

_DIM = re.compile(r"input\.shape\[(-?\d+)\]")
_SLICE, _ELLIPSIS = "<slice>", "<ellipsis>"  # as a graph has them


def is_apart_from_sizes(run: Run, requirement: Requirement) -> bool:
    """Whether what comes to a layer is the same number for images and sequences of every size that come so far."""
    found = _DIM.fullmatch(requirement.operand)
    if (
        requirement_kind(requirement.name).along is None
        or requirement.node is None
        or requirement.condition is not sympy.false
        or found is None
    ):
        return False
    node = run.trace.nodes[requirement.node]
    given = node.meta["inputs"]
    if not isinstance(requirement.actual, sympy.Integer) or not node.args or not given:
        return False
    inputs, _ = named(run.run_spec.inputs)
    shapes = {item.name: item.spec.shape or () for item in inputs}
    return not _Graph(shapes).hangs(node.args[0], int(found[1]) % len(given[0].shape))


@dataclass
class _Graph:
    """The inputs with names for their sizes, and what is known of the dims of nodes."""

    shapes: Mapping[str, Sequence[int | str]]
    known: dict[tuple[fx.Node, int], bool] = field(default_factory=dict)

    def hangs(self, node: Any, dim: int) -> bool:
        """Whether a dim of a node's result may have another size where those of the inputs do."""
        shape = _shape(node)
        if shape is None or not -len(shape) <= dim < len(shape):
            return True
        key = node, dim % len(shape)
        if key not in self.known:
            self.known[key] = True  # of what comes back to itself nothing is known
            self.known[key] = self._found(*key, shape)
        return self.known[key]

    def _found(self, node: fx.Node, dim: int, shape: Shape) -> bool:
        if node.op == "placeholder":
            given = self.shapes.get(str(node.meta["name"]), ())
            return len(given) != len(shape) or isinstance(given[dim], str)
        if node.op == "get_attr":
            return node.target == "_tensor_constant"
        layer, name = node.meta.get("layer"), str(node.meta["name"])
        op = op_of_kind(layer) if layer is not None else op_of(None, name)
        way = _way_of(op)
        if way is not None and node.args:
            return way(self, node, dim, shape)
        keeps_channels = op is not None and "channels" in op.keeps
        return not (keeps_channels and dim < 2) or self.hangs(node.args[0], dim)


_Way = Callable[[_Graph, fx.Node, int, Shape], bool]


def _shape(node: Any) -> Shape | None:
    """The shape of a node's result, where its pieces are of one rank."""
    if not isinstance(node, fx.Node):
        return None
    if node.op == "get_attr":
        return tuple(getattr(node.meta["val"], "shape", ()))
    found: list[TensorMeta] = node.meta.get("outputs", [])
    return found[0].shape if found and len({len(one.shape) for one in found}) == 1 else None


def _kept(graph: _Graph, node: fx.Node, dim: int, shape: Shape) -> bool:
    del shape
    return graph.hangs(node.args[0], dim)


def _of_convolution(graph: _Graph, node: fx.Node, dim: int, shape: Shape) -> bool:
    return dim != 1 and _kept(graph, node, dim, shape)


def _of_linear(graph: _Graph, node: fx.Node, dim: int, shape: Shape) -> bool:
    """Of a Linear, and of a table whose rows are looked up."""
    return dim < len(shape) - 1 and _kept(graph, node, dim, shape)


def _of_weight(graph: _Graph, node: fx.Node, dim: int, shape: Shape) -> bool:
    """A function that is given the weights of a convolution or a Linear."""
    of_weight = dim == (len(shape) - 1 if node.meta["name"].endswith("linear") else 1)
    return graph.hangs(node.args[1], 0) if of_weight and len(node.args) > 1 else _kept(graph, node, dim, shape)


def _of_broadcast(graph: _Graph, node: fx.Node, dim: int, shape: Shape) -> bool:
    """Two sizes that fit together are one; a size of 1 gives way."""
    return all(graph.hangs(one, dim - len(shape)) for one in node.args if _is_as_large(one, dim - len(shape), shape))


def _is_as_large(node: Any, back: int, shape: Shape) -> bool:
    own = _shape(node)
    return own is not None and len(own) >= -back and equal(own[back], shape[back]) is sympy.true


def _of_join(graph: _Graph, node: fx.Node, dim: int, shape: Shape) -> bool:
    tensors, at = node.args[0], node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
    if not isinstance(tensors, (list, tuple)) or not isinstance(at, int):
        return True
    hang = [graph.hangs(one, dim) for one in tensors]
    return any(hang) if at % len(shape) == dim else all(hang)


def _of_product(graph: _Graph, node: fx.Node, dim: int, shape: Shape) -> bool:
    a, b = (*node.args, *node.kwargs.values())[:2]
    back = dim - len(shape)
    return graph.hangs(b, -1) if back == -1 else graph.hangs(a, -2) if back == -2 else graph.hangs(a, back)


def _of_attention(graph: _Graph, node: fx.Node, dim: int, shape: Shape) -> bool:
    query, _, value = (*node.args, *node.kwargs.values())[:3]
    return graph.hangs(value, dim) if dim == len(shape) - 1 else graph.hangs(query, dim)


def _of_move(graph: _Graph, node: fx.Node, dim: int, shape: Shape) -> bool:
    order = order_of_dims(str(node.meta["name"]), node.args, node.kwargs, len(shape))
    return order is None or graph.hangs(node.args[0], order[dim])


def _of_expansion(graph: _Graph, node: fx.Node, dim: int, shape: Shape) -> bool:
    back = dim - len(shape)
    return not _is_as_large(node.args[0], back, shape) or graph.hangs(node.args[0], back)


def _of_likeness(graph: _Graph, node: fx.Node, dim: int, shape: Shape) -> bool:
    return len(node.args) < 2 or graph.hangs(node.args[1], dim - len(shape))


def _of_choice(graph: _Graph, node: fx.Node, dim: int, shape: Shape) -> bool:
    """One dim is taken away."""
    gone = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
    return not isinstance(gone, int) or graph.hangs(node.args[0], dim + (dim >= gone % (len(shape) + 1)))


def _of_regrouping(graph: _Graph, node: fx.Node, dim: int, shape: Shape) -> bool:
    """Of a new dim, those that hold the same numbers before."""
    before = _shape(node.args[0])
    found = None if before is None else next((old for old, new in groups(before, shape) if dim in new), None)
    return found is None or any(graph.hangs(node.args[0], old) for old in found)


def _of_index(graph: _Graph, node: fx.Node, dim: int, shape: Shape) -> bool:
    """Numbers take a dim away, slices leave one, None makes one."""
    before, index = _shape(node.args[0]), node.args[1]
    entries = list(index) if isinstance(index, tuple) else [index]
    if before is None or not all(one is None or type(one) is int or one in (_SLICE, _ELLIPSIS) for one in entries):
        return True
    sources = _dims_left(_spelled_out(entries, len(before)))
    if len(sources) != len(shape):
        return True
    source = sources[dim]
    return source is not None and graph.hangs(node.args[0], source)


def _spelled_out(entries: list[Any], rank: int) -> list[Any]:
    """An index with a slice for each dim that it does not name."""
    named = sum(one is not None and one != _ELLIPSIS for one in entries)
    at = entries.index(_ELLIPSIS) if _ELLIPSIS in entries else len(entries)
    return [*entries[:at], *[_SLICE] * (rank - named), *entries[at + 1 :]]


def _dims_left(entries: list[Any]) -> list[int | None]:
    """The dims of what is indexed that the result has; None for a new one."""
    dims, dim = list[int | None](), 0
    for one in entries:
        if one is None:
            dims.append(None)
            continue
        if one == _SLICE:
            dims.append(dim)
        dim += 1
    return dims


def _of_reduction(graph: _Graph, node: fx.Node, dim: int, shape: Shape) -> bool:
    before = _shape(node.args[0])
    given = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim")
    dims = given if isinstance(given, (list, tuple)) else [given]
    if before is None or not all(type(one) is int for one in dims):
        return True
    gone = {one % len(before) for one in dims if isinstance(one, int)}
    left = range(len(before)) if len(shape) == len(before) else [old for old in range(len(before)) if old not in gone]
    return left[dim] not in gone and graph.hangs(node.args[0], left[dim])


_WAYS: Final[Mapping[DimRule, _Way]] = {
    "kept": _kept,
    "regrouped": _of_regrouping,
    "moved": _of_move,
    "taken": _of_choice,
    "indexed": _of_index,
    "reduced": _of_reduction,
    "expanded": _of_expansion,
    "as-other": _of_likeness,
    "broadcast": _of_broadcast,
    "joined": _of_join,
    "product": _of_product,
    "attention": _of_attention,
    "convolution": _of_convolution,
    "linear": _of_linear,
    "weight": _of_weight,
    "looked-up": _of_linear,
}


def _way_of(op: Op | None) -> _Way | None:
    rule = _dims_of(op) if op is not None else None
    return _WAYS[rule] if rule is not None else None


def _dims_of(op: Op) -> DimRule | None:
    return "kept" if op.keeps == BOTH else op.dims
