"""Where a size comes from: the layers whose constructor declares the number that reaches a layer after them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final, Literal

from convlint.facts import Attribute, Dim, Layer, ModelFacts, Node, Span, Violation
from convlint.ops.requirements import requirement_kind
from convlint.rules.naming import title
from convlint.rules.paths import PathError, parse

MOST_PARTS: Final = 3
"""How many layers are named for one size, where it is a sum."""

Shape = tuple[Dim, ...]
_Way = Literal["mixes", "reshapes", "keeps"]

_LAST: Final = ("out_features", "embedding_dim", "proj_size", "hidden_size", "embed_dim", "d_model")
_CHANNELS: Final = ("out_channels",)
_SPATIAL: Final = ("output_size",)
_ASKED: Final = frozenset({"embed_dim", "d_model"})  # also what the layer takes: who fed it has declared the size first
_SPATIAL_DIMS: Final = re.compile(r"([123])d$")

_JOINS: Final = frozenset({"cat", "concat", "concatenate", "hstack", "vstack", "dstack"})
_RESHAPES: Final = frozenset(
    {"view", "reshape", "flatten", "unflatten", "view_as", "reshape_as", "Flatten", "Unflatten"}
)
# What puts sizes elsewhere, or takes some from one operand and some from another one.
_MIXES: Final = frozenset(
    {
        *("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "t", "T", "mT", "H", "mH", "adjoint"),
        *("rot90", "einsum", "tensordot", "as_strided", "unfold", "fold", "outer", "kron", "cdist", "cov"),
        *("matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "mv", "dot", "addmm", "addbmm", "baddbmm", "linear"),
        *("bilinear", "scaled_dot_product_attention", "multi_head_attention_forward", "embedding", "embedding_bag"),
        *("gather", "take_along_dim", "index_select", "__getitem__", "conv1d", "conv2d", "conv3d"),
        *("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
    }
)


@dataclass(frozen=True)
class Origin:
    """A layer that gives a size, and the place in the user's code that says so."""

    title: str
    size: int
    at: Span
    is_doubled: bool = False  # both directions of a recurrent layer together


@dataclass(frozen=True)
class _Size:
    """One dim of a tensor that a node gives."""

    node: Node
    shape: Shape
    dim: int  # counted from the left

    @property
    def number(self) -> Dim:
        return self.shape[self.dim]


def origins(model: ModelFacts, node: Node, violation: Violation | None) -> Iterator[Origin]:
    """The layers that give the size which came, then those that give the one which an operation needs instead."""
    nodes = {one.id: one for one in model.nodes}
    if (
        violation is None or violation.name == "rank"
    ):  # there too many sizes came, or too few, and none of them is wrong
        return
    for number, dim in _wanted(node, violation):
        feeder = feeders(nodes, node)[number]
        if feeder is not None:
            yield from islice(_origins(model, nodes, _Size(feeder, node.inputs[number].shape, dim)), MOST_PARTS)


def subject(violation: Violation) -> tuple[str | int, ...]:
    """What a requirement is about: the number of an input and the way from there, as in `inputs[0].shape[1]`."""
    try:
        path = parse(violation.operand)
    except PathError:
        return ()
    return path.steps if path.root == "inputs" else ()


def feeders(nodes: Mapping[int, Node], node: Node) -> tuple[Node | None, ...]:
    """The node that each input comes from, where that is certain: no producer stands twice, parameters have none."""
    producers = [nodes[number] for number in node.producers if number in nodes and number < node.id]
    if len(node.producers) == len(producers) == len(node.inputs):
        pairs = zip(node.inputs, producers, strict=True)
        return tuple(one if _gives(one, fact.shape) else None for fact, one in pairs)
    return tuple(_feeder(producers, fact.shape) for fact in node.inputs)


def _feeder(producers: Iterable[Node], shape: Shape) -> Node | None:
    """The only node with such an output. A shape without a symbol may be that of a parameter."""
    found = [one for one in producers if _gives(one, shape)]
    return found[0] if len(found) == 1 and any(isinstance(size, str) for size in shape) else None


def _gives(node: Node, shape: Shape) -> bool:
    return any(fact.shape == shape for fact in node.outputs)


def _wanted(node: Node, violation: Violation) -> Iterator[tuple[int, int]]:
    """The number of an input and one of its dims, counted from the left: of what came, then of its counterpart."""
    actual = _operand(node, violation)
    if actual is None:
        return
    yield actual
    if node.op != "function" or not _is_number(violation.expected):
        return
    number, dim = actual
    for other, fact in enumerate(node.inputs):
        shape = fact.shape
        across = dim - len(node.inputs[number].shape) + len(shape)
        if other == number:
            continue
        if (
            requirement_kind(violation.name).is_of_two_sides
            and 0 <= across < len(shape)
            and shape[across] == violation.expected
        ):
            yield other, across
            return
        if shape.count(violation.expected or 0) == 1:
            yield other, shape.index(violation.expected or 0)
            return


def _operand(node: Node, violation: Violation) -> tuple[int, int] | None:
    """The input and the dim that a requirement is about, where the facts agree that this size came."""
    steps = subject(violation)
    number = steps[0] if steps else None
    if not isinstance(number, int) or not 0 <= number < len(node.inputs) or not _is_number(violation.actual):
        return None
    shape = node.inputs[number].shape
    match steps[1:]:
        case ("shape", int(dim)) if -len(shape) <= dim < len(shape) and shape[dim] == violation.actual:
            return number, dim % len(shape)
        case ("elements",) if shape[1:].count(violation.actual) == 1:  # all that there is of an example is in one dim
            return number, shape.index(violation.actual, 1)
        case _:
            return None


def _is_number(size: Dim | None) -> bool:
    return isinstance(size, int) and not isinstance(size, bool)


def _origins(model: ModelFacts, nodes: Mapping[int, Node], start: _Size) -> Iterator[Origin]:
    waiting, seen = [start], set[tuple[int, int]]()
    while waiting:
        size = waiting.pop()
        if (size.node.id, size.dim) in seen or not _is_number(size.number):
            continue
        seen.add((size.node.id, size.dim))
        layer = model.layers.get(size.node.layer) if size.node.layer is not None else None
        argument = _declaring(size, layer) if layer is not None else None
        behind = _behind(nodes, size) if argument is None or argument in _ASKED else ()
        waiting.extend(reversed(behind))
        if layer is not None and argument is not None and not behind:
            yield from _origin(size, layer, argument)


def _origin(size: _Size, layer: Layer, argument: str) -> Iterator[Origin]:
    at = layer.arguments.get(argument) or layer.site
    times = 1 if argument not in _LAST else _times(size.number, layer.attributes, argument)
    if at is not None and isinstance(size.number, int) and times > 0:
        yield Origin(title(size.node, layer), size.number, at, is_doubled=times == 2)


def _times(number: Dim, attributes: Mapping[str, Attribute], argument: str) -> int:
    """How often a size holds what the layer declares: twice for two directions, 0 times where it is another size."""
    declared = attributes[argument]
    if not isinstance(declared, int) or isinstance(declared, bool):
        return 0
    if number == declared:
        return 1
    return 2 if attributes.get("bidirectional") is True and number == 2 * declared else 0


def _declaring(size: _Size, layer: Layer) -> str | None:
    """The constructor argument that says how large this dim of the layer's output is."""
    rank, attributes = len(size.shape), layer.attributes
    match = _SPATIAL_DIMS.search(layer.base or layer.type)
    spatial = int(match[1]) if match else rank - 2
    if size.dim == rank - 1:
        names = [name for name in _LAST if attributes.get(name)]
        if names:
            return names[0]
    if size.dim == rank - spatial - 1:
        return next((name for name in _CHANNELS if attributes.get(name) == size.number), None)
    return _declaring_spatial(size, layer, spatial) if size.dim >= rank - spatial else None


def _declaring_spatial(size: _Size, layer: Layer, spatial: int) -> str | None:
    """As `_declaring`, for one of the layer's spatial dims, the last ones of the shape."""
    for name in _SPATIAL:
        given = layer.attributes.get(name)
        one = given[size.dim - len(size.shape)] if isinstance(given, tuple) and len(given) == spatial else given
        if one == size.number and not isinstance(one, bool):
            return name
    return None


def _behind(nodes: Mapping[int, Node], size: _Size) -> Sequence[_Size]:
    """The sizes that this one is made of: itself, one node earlier, or the parts of a sum; none where it is unclear."""
    node = size.node
    fed = [(fact.shape, one) for fact, one in zip(node.inputs, feeders(nodes, node), strict=True)]
    shapes = [shape for shape, _ in fed]
    if node.target.rpartition(".")[2] in _JOINS and _is_sum(shapes, size):
        return [_Size(one, shape, size.dim) for shape, one in fed if one is not None]
    how = _way(node, [one for _, one in fed])
    if how == "mixes" and list(chain(*shapes)).count(size.number) != 1:
        return []
    for shape, one in fed:
        dim = _same(shape, size, how)
        if dim is not None and one is not None:
            return [_Size(one, shape, dim)]
    return []


def _way(node: Node, fed: Sequence[Node | None]) -> _Way:
    """What becomes of the dims of a node's inputs in its output."""
    name = node.target.rpartition(".")[2]
    takes_several = len({one.id if one else None for one in fed}) > 1
    if name in _MIXES or (node.op == "module" and takes_several):
        return "mixes"
    return "reshapes" if name in _RESHAPES else "keeps"


def _is_sum(shapes: Sequence[Shape], size: _Size) -> bool:
    parts = [shape[size.dim] for shape in shapes if len(shape) == len(size.shape)]
    numbers = [part for part in parts if isinstance(part, int)]
    return len(numbers) == len(shapes) > 1 and sum(numbers) == size.number


def _same(shape: Shape, size: _Size, how: _Way) -> int | None:
    """The dim of an input that has become this dim of the output."""
    if how == "mixes":
        is_plain = size.shape.count(size.number) == 1 and size.number in shape
        return shape.index(size.number) if is_plain else None
    if how == "keeps":
        if len(shape) == len(size.shape):
            return size.dim if shape[size.dim] == size.number else None
        if shape.count(size.number) != 1:  # which one is left cannot be told
            return None
    # What stands before, or behind, is untouched, and so is this dim.
    before = size.dim if shape[: size.dim + 1] == size.shape[: size.dim + 1] else None
    back = size.dim - len(size.shape)
    behind = len(shape) + back if shape[back:] == size.shape[back:] else None
    if before is None or behind is None:
        return behind if before is None else before
    return before if before == behind else None
