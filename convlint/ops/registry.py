"""The kinds of operations by the names of layers and functions, and the operation of a node."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from convlint.facts import Attribute, ModelFacts, Node
from convlint.ops import (
    attention,
    convolution,
    elementwise,
    embedding,
    joining,
    linear,
    losses,
    matmul,
    normalisation,
    padding,
    pooling,
    recurrent,
    resampling,
    reshaping,
)
from convlint.ops.argument import LayerArgument, SizeOf
from convlint.ops.kind import OperationKind
from convlint.ops.operation import Operation, Shape

_FAMILIES: Final = (
    *(attention, convolution, elementwise, embedding, joining, linear, losses, matmul, normalisation, padding),
    *(pooling, recurrent, resampling, reshaping),
)
_SPATIAL: Final = re.compile(r"(.+?)_?([123])d(?:_with_indices)?")


def kinds() -> Iterator[OperationKind]:
    """Every kind that is declared."""
    for family in _FAMILIES:
        yield from family.KINDS


_BY_NAME: Final = {kind.name: kind for kind in kinds()}
_BY_LAYER: Final = {name: kind for kind in kinds() for name in kind.layers}
_BY_FUNCTION: Final = {name: kind for kind in kinds() for name in kind.functions}


@cache
def layer_arguments() -> Mapping[str, LayerArgument]:
    """The arguments of layers that shapes depend on, by name. Raises ValueError for one that two kinds declare."""
    found: dict[str, LayerArgument] = {}
    for argument in (one for kind in kinds() for one in kind.declares):
        if argument.name in found:
            raise ValueError(f"{argument.name} is declared twice")
        found[argument.name] = argument
    return found


def names_of_sizes(*of: SizeOf) -> tuple[str, ...]:
    """The arguments that are sizes of the tensors that layers take, or give."""
    return tuple(name for name, argument in layer_arguments().items() if argument.size_of in of)


def kind_named(name: str) -> OperationKind:
    """The kind of an operation; one of which nothing is known where none is declared."""
    return _BY_NAME.get(name) or OperationKind(name)


def kind_of_layer(name: str) -> tuple[OperationKind, int]:
    """The kind of a layer by the name of its class, and over how many dims its windows move: `LazyConv2d`."""
    plain = name.removeprefix("Lazy")
    return _found(plain, _BY_LAYER) or (OperationKind(plain.lower()), 0)


def kind_of_function(name: str) -> tuple[OperationKind, int]:
    """The kind of a function by its own name, and over how many dims its windows move: `max_pool2d`."""
    return _found(name, _BY_FUNCTION) or (OperationKind(name), 0)


def _found(name: str, known: Mapping[str, OperationKind]) -> tuple[OperationKind, int] | None:
    kind = known.get(name)
    if kind is not None and not kind.spatial:
        return kind, 0
    parts = _SPATIAL.fullmatch(name)
    kind = known.get(parts[1]) if parts is not None else None
    return (kind, int(parts[2])) if parts is not None and kind is not None and kind.spatial else None


def operation_of(node: Node, model: ModelFacts) -> Operation:
    """The operation of a node, with its options by name."""
    inputs = tuple(fact.shape for fact in node.inputs)
    outputs = tuple(fact.shape for fact in node.outputs)
    layer = model.layers.get(node.layer) if node.layer is not None else None
    if layer is not None:
        kind, spatial = kind_of_layer((layer.base or layer.type).rpartition(".")[2])
        return Operation(kind.name, spatial, layer.attributes, inputs, outputs, layer)
    kind, spatial = kind_of_function(node.target.rpartition(".")[2])
    given = enumerate(kind.arguments)
    options = {name: node.arguments[str(i)] for i, name in given if name and str(i) in node.arguments}
    options |= {name: value for name, value in node.arguments.items() if not name.isdigit()}
    if kind.name in ("conv", "conv_transpose") and len(inputs) > 1:
        options |= _channels(inputs[1], options, transposed=kind.name == "conv_transpose")
    return Operation(kind.name, spatial, options, inputs, outputs, None)


def _channels(weight: Shape, options: Mapping[str, Attribute], *, transposed: bool) -> dict[str, Attribute]:
    """What the weight of a functional convolution says besides its arguments."""
    sizes = [size for size in weight if isinstance(size, int)]
    groups = options.get("groups", 1)
    if len(sizes) != len(weight) or len(sizes) < 3 or not isinstance(groups, int):
        return {}
    first, second = (sizes[0], sizes[1] * groups)
    inside, outside = (first, second) if transposed else (second, first)
    return {"in_channels": inside, "out_channels": outside, "kernel_size": tuple(sizes[2:]), "groups": groups}
