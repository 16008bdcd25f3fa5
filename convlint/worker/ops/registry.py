"""All operators, by the layers and functions that run them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from torch import nn

from convlint.worker.ops import (
    attention,
    convolution,
    elementwise,
    embedding,
    folding,
    gradients,
    joining,
    lazy,
    linear,
    losses,
    matmul,
    moving,
    normalisation,
    padding,
    pooling,
    recurrent,
    reduction,
    resampling,
    reshaping,
    spectral,
)
from convlint.worker.ops.breakdown.case import LayerBreakdown
from convlint.worker.ops.call import Call, Check
from convlint.worker.ops.dtype import on_floats
from convlint.worker.ops.op import Op
from convlint.worker.ops.signatures import check as signatures

_FAMILIES: Final = (
    *(attention, convolution, elementwise, embedding, folding, gradients, joining, lazy, linear, losses, matmul),
    *(moving, normalisation, padding, pooling, recurrent, reduction, resampling, reshaping, signatures, spectral),
)


def operators() -> Iterator[Op]:
    """Every operator that is declared."""
    for family in _FAMILIES:
        yield from family.OPS


def _once(pairs: Iterable[tuple[object, Op]]) -> dict[object, Op]:
    """Raises ValueError for a layer or function that two operators claim."""
    found: dict[object, Op] = {}
    for key, op in pairs:
        if key in found:
            raise ValueError(f"{key} is declared twice")
        found[key] = op
    return found


_LAYERS: Final = _once((layer, op) for op in operators() for layer in op.layers)
_FUNCTIONS: Final = _once((name, op) for op in operators() for name in op.functions)
_CHECKS: Final = {
    layer: on_floats(op.check) if op.has_weights else op.check for layer, op in _LAYERS.items() if op.check is not None
}


def layer_check(layer: nn.Module) -> Check | None:
    """The check of the class in whose `forward` this layer runs; None for a forward of the user's own."""
    kind = type(layer)
    check = _CHECKS.get(kind)
    if check is not None:
        return check
    bases = (base for base in kind.__mro__[1:] if base in _CHECKS and issubclass(base, nn.Module))
    return next((_CHECKS[base] for base in bases if kind.forward is base.forward), None)


def function_check(target: str) -> Check | None:
    op = _FUNCTIONS.get(target)
    return op.check if op is not None else None


def op_of(layer: nn.Module | None, target: str) -> Op | None:
    """The operator of a call: of the very class of its layer, or of its function."""
    return _LAYERS.get(type(layer)) if layer is not None else _FUNCTIONS.get(target)


def op_of_kind(layer: nn.Module) -> Op | None:
    """The operator of a layer, or of the nearest class that it derives from."""
    return next((_LAYERS[kind] for kind in type(layer).__mro__ if kind in _LAYERS), None)


def breakdown_of(layer: nn.Module) -> tuple[type[nn.Module], LayerBreakdown] | None:
    """How a layer's numbers are taken apart, and the nearest of its classes of which that is declared."""
    declared = ((kind, _LAYERS[kind].breakdown) for kind in type(layer).__mro__ if kind in _LAYERS)
    return next(((kind, one) for kind, one in declared if one is not None), None)


def op_of_call(call: Call) -> Op | None:
    return op_of(call.layer, call.target)
