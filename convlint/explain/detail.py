"""One layer in detail: how it was made, what it learns, how one output comes about, and its neighbours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from convlint.explain.arguments import arguments
from convlint.explain.table import Row, Table, kind_of
from convlint.explain.values import Values
from convlint.facts import Layer, Node
from convlint.ops.convolution import weight_of
from convlint.ops.operation import Operation, shape_text
from convlint.reporters import source


@dataclass(frozen=True, slots=True)
class LayerCall:
    """One call of the layer, between those that it gets its input from and those that take its output."""

    row: Row
    comes_from: tuple[str, ...]
    goes_to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Detail:
    path: str
    kind: str
    made: str | None  # the constructor's line
    made_at: str | None  # "line 10"
    meaning: str | None
    arguments: tuple[tuple[str, str, str], ...]  # name, value, what it means
    weights: tuple[str, ...]  # "weight [4, 2, 2, 2]: 4*2*2*2 = 32 numbers"
    one_output: str | None
    values: Values | None  # of one number, where these were asked for
    calls: tuple[LayerCall, ...]


def detail_of(table: Table, part: str, values: Values | None = None) -> Detail | None:
    """The detail of a layer; None where the part is a block or nothing."""
    rows = [row for row in table.rows if row.path == part]
    if not rows or len(rows) != len(table.rows):
        return None
    operation = rows[0].operation
    layer = operation.layer
    if layer is None:
        return None
    nodes = {node.id: node for node in table.model.nodes}
    return Detail(
        path=part,
        kind=rows[0].kind,
        made=_made(layer),
        made_at=_place(layer, table.filename),
        meaning=rows[0].meaning,
        arguments=tuple(arguments(operation)),
        weights=tuple(_weights(layer)),
        one_output=_one_output(operation),
        values=values,
        calls=tuple(
            LayerCall(
                row,
                tuple(_named(nodes[row.id].producers, nodes, table.filename)),
                tuple(_named(nodes[row.id].consumers, nodes, table.filename)) or ("what forward returns",),
            )
            for row in rows
        ),
    )


def _made(layer: Layer) -> str | None:
    line = source.line(layer.site.filename, layer.site.row) if layer.site is not None else None
    return line.strip() if line is not None else None


def _place(layer: Layer, filename: str) -> str | None:
    if layer.site is None:
        return None
    return source.beside(layer.site.filename, layer.site.row, filename)


def _weights(layer: Layer) -> Iterator[str]:
    for name, shape in layer.weights.items():
        product = "*".join(map(str, shape))
        number = math.prod(shape)
        text = f"{product} = {number}" if len(shape) > 1 else f"{number}"
        yield f"{name} {shape_text(shape)}: {text} {'number' if number == 1 else 'numbers'}"


def _one_output(operation: Operation) -> str | None:
    bias = operation.layer is not None and "bias" in operation.layer.weights
    added = ", and the bias is added" if bias else ""
    if operation.kind == "conv":
        weight = weight_of(operation)
        if weight is None:
            return None
        window = "*".join(map(str, weight[2:]))
        channels = f"{weight[1]} {'channel' if weight[1] == 1 else 'channels'}"
        return f"{channels} * {window} pixels = {math.prod(weight[1:])} products are summed{added}"
    if operation.kind == "linear" and operation.number("in_features"):
        return f"{operation.number('in_features')} products are summed{added}"
    return None


def _named(ids: Iterable[int], nodes: Mapping[int, Node], filename: str) -> Iterator[str]:
    for number in ids:
        node = nodes[number]
        shapes = ", ".join(shape_text(fact.shape) for fact in node.outputs)
        what = f"the input {node.target}" if node.op == "input" else node.layer or kind_of(node, None)
        line = f" ({source.beside(node.call.filename, node.call.row, filename)})" if node.call is not None else ""
        yield f"{what}{line}: {shapes}"
