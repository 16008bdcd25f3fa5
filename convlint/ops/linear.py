"""Linear layers: products with a matrix of weights."""

from __future__ import annotations

from convlint.ops.argument import LayerArgument
from convlint.ops.kind import OperationKind
from convlint.ops.operation import Operation, Shape
from convlint.ops.work import UNKNOWN, Work, product_of


def _linear(operation: Operation) -> Work:
    if operation.layer is not None:
        inside, outside = operation.number("in_features"), operation.number("out_features")
        weight: Shape = () if inside is None or outside is None else (inside, outside)
    else:
        weight = tuple(reversed(operation.inputs[1])) if len(operation.inputs) > 1 else ()
    return product_of(weight, operation.outputs[0][:-1]) if len(weight) == 2 else UNKNOWN


def _bilinear(operation: Operation) -> Work:
    weight = operation.layer.weights.get("weight") if operation.layer is not None else None
    return product_of(weight, operation.outputs[0][:-1]) if weight else UNKNOWN


def _meaning(operation: Operation) -> str | None:
    inside, outside = operation.number("in_features"), operation.number("out_features")
    if inside is None or outside is None:
        return None
    outputs = f"each of the {outside} outputs" if outside != 1 else "the one output"
    return f"{outputs} sums over all {inside} inputs, each with its own weight; only the last size changes"


KINDS = (
    OperationKind(
        "linear",
        layers=("Linear", "LazyLinear", "NonDynamicallyQuantizableLinear"),
        functions=("linear",),
        work=_linear,
        meaning=_meaning,
        declares=(
            LayerArgument("in_features", "the last size of the input must be {}", size_of="input"),
            LayerArgument("out_features", "the last size of the output is {}", size_of="result"),
        ),
    ),
    OperationKind(
        "bilinear",
        layers=("Bilinear",),
        functions=("bilinear",),
        work=_bilinear,
        declares=(LayerArgument("in1_features", size_of="input"), LayerArgument("in2_features", size_of="input")),
    ),
)
