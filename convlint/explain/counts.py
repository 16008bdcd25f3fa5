"""How many parameters a layer has and how many multiply-adds it takes, and where these numbers come from.

Multiply-adds are counted of convolutions, linear and recurrent layers, attention and matrix products, for one sample:
the batch `B` as 1.
"""

from __future__ import annotations

import math

from convlint.facts import Layer
from convlint.ops.operation import Operation
from convlint.ops.registry import kind_named
from convlint.ops.work import NOTHING, UNKNOWN, Work, grouped_times


def parameters_text(layer: Layer) -> str | None:
    """`4*2*2*2 + 4 = 36`: the weights of each shape."""
    shapes = list(layer.weights.values())
    if not shapes or sum(map(math.prod, shapes)) != layer.parameters:
        return None
    if len(shapes) <= 4:
        terms = ["*".join(map(str, shape)) for shape in shapes]
    else:
        terms = [grouped_times(shapes.count(shape), shape) for shape in dict.fromkeys(shapes)]
    return f"{' + '.join(terms)} = {layer.parameters}"


def work(operation: Operation) -> Work:
    """The multiply-adds of an operation for one sample."""
    reckon = kind_named(operation.kind).work
    if reckon is None:
        matrices = operation.layer is not None and any(len(w) > 1 for w in operation.layer.weights.values())
        return UNKNOWN if matrices else NOTHING
    return reckon(operation)
