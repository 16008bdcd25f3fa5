"""Linear and Bilinear: the last dim is the declared number of features."""

from __future__ import annotations

import sympy
import torch
from torch import nn

from convlint.worker.ops.breakdown import products
from convlint.worker.ops.breakdown.case import LayerBreakdown
from convlint.worker.ops.call import Call
from convlint.worker.ops.op import ROWS, Op, Shape
from convlint.worker.values.sizes import Size, equal, product


def features(
    call: Call, index: int, name: str, expected: Size, argument: str | None, requirement: str = "in_features"
) -> None:
    """`[*, in_features] -> [*, out_features]` (torch.nn.Linear)."""
    x = call.tensor(index, name)
    if x is None:
        return
    operand = "input.shape[-1]" if index == 0 else f"inputs[{index}].shape[-1]"
    if x.dim() == 0:
        call.require("rank", "input.rank", sympy.false, actual=0, expected="at least 1 dim")
        call.put(index, name, call.ledger.fresh((expected,), x))
        return
    if _is_unflattened(x, expected):
        flat = "*".join(str(size) for size in x.shape[1:])
        detail = f"flatten it first: {flat} = {expected}"
        if not call.require(
            "rank", operand, equal(x.shape[-1], expected), actual=x.shape[-1], expected=expected, detail=detail
        ):
            call.put(index, name, call.ledger.fresh((x.shape[0], expected), x))
        return
    last = x.shape[-1]
    if not call.require(
        requirement, operand, equal(last, expected), actual=last, expected=expected, argument=argument, value=last
    ):
        call.put(index, name, call.resized(x, -1, expected))


def _is_unflattened(x: torch.Tensor, expected: Size) -> bool:
    """A feature map whose flattened size is just what the layer takes."""
    return x.dim() > 2 and isinstance(expected, int) and product(x.shape[1:]) == expected and x.shape[-1] != expected


def _linear(call: Call) -> None:
    assert isinstance(call.layer, nn.Linear)
    features(call, 0, "input", call.layer.in_features, "in_features")


def _bilinear(call: Call) -> None:
    assert isinstance(call.layer, nn.Bilinear)
    features(call, 0, "input1", call.layer.in1_features, "in1_features", "in_features_of_two")
    features(call, 1, "input2", call.layer.in2_features, "in2_features", "in_features_of_two")


def _functional_linear(call: Call) -> None:
    weight = call.tensor(1, "weight")
    if weight is not None and weight.dim() == 2:
        features(call, 0, "input", weight.shape[1], None)


def linear_shape(call: Call) -> Shape | None:
    x = call.tensor(0, "input")
    return (*x.shape[:-1], call.layer.out_features) if x is not None and isinstance(call.layer, nn.Linear) else None


def _bilinear_shape(call: Call) -> Shape | None:
    """Two inputs that agree in all dims but the last (torch.nn.Bilinear)."""
    a, b = call.tensor(0, "input1"), call.tensor(1, "input2")
    if a is None or b is None or a.dim() != b.dim() or not isinstance(call.layer, nn.Bilinear):
        return None
    alike = all(equal(one, other) is sympy.true for one, other in zip(a.shape[:-1], b.shape[:-1], strict=True))
    return (*a.shape[:-1], call.layer.out_features) if alike else None


def _functional_shape(call: Call) -> Shape | None:
    x, weight = call.tensor(0, "input"), call.tensor(1, "weight")
    return (*x.shape[:-1], weight.shape[0]) if x is not None and weight is not None and weight.dim() == 2 else None


OPS = (
    Op(
        layers=(nn.Linear,),
        check=_linear,
        shape=linear_shape,
        axes=ROWS,
        declares="features",
        dims="linear",
        memory="new",
        has_weights=True,
        breakdown=LayerBreakdown(products.linear, has_channels=False),
    ),
    Op(layers=(nn.Bilinear,), check=_bilinear, shape=_bilinear_shape, has_weights=True, memory="new"),
    Op(
        functions=("torch.nn.functional.linear",),
        check=_functional_linear,
        shape=_functional_shape,
        dims="weight",
        memory="new",
    ),
)
