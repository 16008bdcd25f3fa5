"""The operands of a join or of an operation: where their sizes differ, and which calls they come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from convlint.diagnostics import Side
from convlint.facts import Dim, Layer, ModelFacts, Node
from convlint.rules.naming import title
from convlint.rules.origin import feeders

Shape = tuple[Dim, ...]

_JOINS: Final = frozenset({"cat", "concat", "concatenate"})
_ALL: Final = _JOINS | {"stack"}
_PASSED: Final = ("relu", "Dropout", "dropout", "Identity", "BatchNorm", "ReLU", "Sigmoid", "GELU", "SiLU", "Tanh")
"""Calls that keep the sizes of their input: where a size comes from is a call before them."""
_SPATIAL: Final = {3: ("length",), 4: ("height", "width"), 5: ("depth", "height", "width")}


def sides(model: ModelFacts, node: Node) -> tuple[Side, ...]:
    """The operands of a call in their order."""
    nodes = {one.id: one for one in model.nodes}
    name = node.target.rpartition(".")[2]
    shapes = [fact.shape for fact in node.inputs]
    differing = _joined(shapes, node) if name in _ALL else _broadcast(shapes)
    fed = feeders(nodes, node)
    return tuple(
        Side(title=_source(model, nodes, fed[i]) if i < len(fed) else None, shape=shape, differs=differing[i])
        for i, shape in enumerate(shapes)
    )


def facts_of(model: ModelFacts, node: Node) -> Mapping[str, Any]:
    """What the texts of a rule may say of the operands."""
    found = sides(model, node)
    nodes = {one.id: one for one in model.nodes}
    fed = feeders(nodes, node)
    return {
        "differ": _differences(found),
        "shapes": _shapes(found),
        "halved": _halved(nodes, fed, found),
        "strided": _strided(model, nodes, fed, found),
    }


def _joined(shapes: Sequence[Shape], node: Node) -> list[tuple[int, ...]]:
    """The dims in which not all are equal, but for the one that is joined."""
    name = node.target.rpartition(".")[2]
    given = node.arguments.get("dim", node.arguments.get("1", 0))
    rank = len(shapes[0]) if shapes else 0
    free = given % rank if name in _JOINS and type(given) is int and rank else None
    if any(len(shape) != rank for shape in shapes):
        return [()] * len(shapes)
    dims = tuple(dim for dim in range(rank) if dim != free and len({shape[dim] for shape in shapes}) > 1)
    return [dims] * len(shapes)


def _broadcast(shapes: Sequence[Shape]) -> list[tuple[int, ...]]:
    """The dims in which two are neither equal nor 1, counted from the last one."""
    found: list[set[int]] = [set() for _ in shapes]
    for back in range(1, max(map(len, shapes), default=0) + 1):
        sizes = {i: shape[-back] for i, shape in enumerate(shapes) if len(shape) >= back and shape[-back] != 1}
        if len(set(sizes.values())) > 1:
            for i in sizes:
                found[i].add(len(shapes[i]) - back)
    return [tuple(sorted(dims)) for dims in found]


def _source(model: ModelFacts, nodes: Mapping[int, Node], node: Node | None) -> str | None:
    """The call that gave an operand its sizes, or the input of forward that it is."""
    for _ in range(len(nodes)):
        if node is None or node.op == "input":
            break
        layer = model.layers.get(node.layer) if node.layer is not None else None
        short = node.target.rpartition(".")[2]
        if not short.startswith(_PASSED) or len(node.producers) != 1:
            return layer.path if layer is not None and layer.path else title(node, layer)
        node = nodes.get(node.producers[0])
    return node.target if node is not None else None


def _differences(found: Sequence[Side]) -> str | None:
    """`channels (128, 64) and size (16, 32)`."""
    ranks = [len(side.shape) for side in found]
    if len(set(ranks)) > 1 and not any(side.differs for side in found):
        return f"the number of dimensions ({', '.join(dict.fromkeys(map(str, ranks)))})"
    parts = []
    for word, dims in _grouped(found):
        values = ", ".join(dict.fromkeys(str(side.shape[dims[0]]) for side in found if _has(side, dims[0])))
        parts.append(f"{word} ({values})")
    return _listed(parts) or None


def _has(side: Side, back: int) -> bool:
    return len(side.shape) >= -back


def _grouped(found: Sequence[Side]) -> Iterator[tuple[str, list[int]]]:
    """The dims that differ, counted from the last one, with a word for each; height and width alike are one."""
    rank = max((len(side.shape) for side in found), default=0)
    backs = sorted({dim - len(side.shape) for side in found for dim in side.differs})
    spatial = _SPATIAL.get(rank, ())
    places = [back for back in backs if rank > 3 and -back <= len(spatial)]
    is_one_size = len(places) == len(spatial) and _differ_alike(found, places)
    for back in backs:
        if back not in places or not is_one_size:
            yield _word(rank, back), [back]
        elif back == places[0]:
            yield "size", places


def _differ_alike(found: Sequence[Side], backs: Sequence[int]) -> bool:
    """Whether the sizes of each side are the same in all of these dims."""
    return len({tuple(side.shape[back] if _has(side, back) else None for side in found) for back in backs}) == 1


def _word(rank: int, back: int) -> str:
    spatial = _SPATIAL.get(rank, ())
    if rank > 3 and -back <= len(spatial):
        return spatial[back]
    if rank > 3 and -back == len(spatial) + 1:
        return "channels"
    return "the last dimension" if back == -1 else "the batch" if rank + back == 0 else f"dimension {rank + back}"


def _halved(nodes: Mapping[int, Node], fed: Sequence[Node | None], found: Sequence[Side]) -> str:
    """`: 25 is odd, pooled to 12 and doubled to 24`, where that is what happened to one side."""
    back = max((dim - len(side.shape) for side in found for dim in side.differs), default=None)
    if back is None:
        return ""
    sizes = {side.shape[back] for side in found if _has(side, back)}
    for node in fed:
        past = list(_history(nodes, node, back))
        for before, after in pairwise(reversed(past)):
            if before in sizes and _is_floored(before, after) and past[0] == int(before) - 1:
                return f": {before} is odd, pooled to {after} and doubled to {past[0]}"
    return ""


def _is_floored(before: Dim, after: Dim) -> bool:
    """Whether one number is half of another, an odd one, less the rest."""
    return isinstance(before, int) and isinstance(after, int) and before % 2 == 1 and after == before // 2


def _history(nodes: Mapping[int, Node], node: Node | None, back: int) -> Iterator[Dim]:
    """The values that a dim has had, the last one first."""
    last: Dim | None = None
    for _ in range(len(nodes)):
        shape = node.outputs[0].shape if node is not None and node.outputs else ()
        if node is None or len(shape) < -back:
            return
        if shape[back] != last:
            last = shape[back]
            yield last
        node = nodes.get(node.producers[0]) if node.producers else None


def _strided(model: ModelFacts, nodes: Mapping[int, Node], fed: Sequence[Node | None], found: Sequence[Side]) -> str:
    """`: `conv1` has stride 2, and `x` skips it`, of two sides."""
    if len(fed) != 2 or len(found) != 2 or None in fed:
        return ""
    behind = [list(_behind(nodes, node)) for node in fed if node is not None]
    for own, others, other in zip(behind, reversed(behind), reversed(found), strict=True):
        for one in own:
            layer = model.layers.get(one.layer) if one.layer is not None else None
            stride = _stride(layer) if layer is not None else 1
            if layer is not None and stride > 1 and one not in others and other.title is not None:
                return f": `{layer.path}` has stride {stride}, and `{other.title}` skips it"
    return ""


def _stride(layer: Layer) -> int:
    """The largest step of a layer; 1 for one that takes none."""
    stride = layer.attributes.get("stride")
    steps = stride if isinstance(stride, tuple) else (stride,)
    return max((step for step in steps if isinstance(step, int)), default=1)


def _behind(nodes: Mapping[int, Node], node: Node) -> Iterator[Node]:
    waiting, seen = [node], set[int]()
    while waiting:
        current = waiting.pop(0)
        if current.id not in seen:
            seen.add(current.id)
            yield current
            waiting += [nodes[number] for number in current.producers if number in nodes and number < current.id]


def _shapes(found: Sequence[Side]) -> str:
    """`both are [B, 50, 32]`, or `they are [B, 50, 32] and [B, 20, 32]`."""
    spelt = ["[" + ", ".join(str(size) for size in side.shape) + "]" for side in found]
    if len(set(spelt)) == 1:
        return f"{'both' if len(spelt) == 2 else 'all'} are {spelt[0]}"
    return "they are " + _listed(list(dict.fromkeys(spelt)))


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(parts) if len(parts) < 3 else ", ".join(parts[:-1]) + " and " + parts[-1]
