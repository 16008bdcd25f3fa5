"""Functions of each number for itself, and of the numbers of two or three tensors at the same place.

The names are those of torch, torch.Tensor, torch.nn.functional and torch.nn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from convlint.ops.argument import LayerArgument
from convlint.ops.kind import OperationKind

Memory = Literal["as-operand", "new", "alias"]
"""How a result is in memory: as its operand does, as a new contiguous tensor, or it may be the operand itself."""


@dataclass(frozen=True, slots=True)
class Elementwise:
    """A function of one tensor whose result has the shape and dtype of its input."""

    function: str | None
    layers: tuple[str, ...] = ()
    memory: Memory = "as-operand"
    in_place: bool = False  # whether there is one with `_` after its name as well

    @property
    def names(self) -> Iterator[str]:
        """Its own name, and those of its layers."""
        yield from self.layers
        if self.function is not None:
            yield self.function


ACTIVATIONS: Final = (
    Elementwise("relu", ("ReLU",), in_place=True),
    Elementwise("relu6", ("ReLU6",)),
    Elementwise("leaky_relu", ("LeakyReLU",), in_place=True),
    Elementwise("rrelu", ("RReLU",), memory="new"),
    Elementwise("elu", ("ELU",), in_place=True),
    Elementwise("selu", ("SELU",), in_place=True),
    Elementwise("celu", ("CELU",)),
    Elementwise("gelu", ("GELU",)),
    Elementwise("silu", ("SiLU",)),
    Elementwise("mish", ("Mish",)),
    Elementwise("hardswish", ("Hardswish",)),
    Elementwise("hardsigmoid", ("Hardsigmoid",)),
    Elementwise("hardtanh", ("Hardtanh",), in_place=True),
    Elementwise("sigmoid", ("Sigmoid",), in_place=True),
    Elementwise("tanh", ("Tanh",), in_place=True),
    Elementwise("softplus", ("Softplus",)),
    Elementwise("softsign", ("Softsign",)),
    Elementwise("logsigmoid", ("LogSigmoid",), memory="new"),
    Elementwise(None, ("Tanhshrink", "Softshrink", "Hardshrink", "Threshold", "PReLU")),
    Elementwise("softmax", ("Softmax", "Softmax2d"), memory="new"),
    Elementwise("log_softmax", ("LogSoftmax",), memory="new"),
    Elementwise("softmin", ("Softmin",), memory="new"),
)
DROPOUTS: Final = (
    Elementwise("dropout", ("Dropout",), memory="alias", in_place=True),
    Elementwise("dropout1d", ("Dropout1d",), memory="alias"),
    Elementwise("dropout2d", ("Dropout2d",), memory="alias"),
    Elementwise("dropout3d", ("Dropout3d",), memory="alias"),
    Elementwise("alpha_dropout", ("AlphaDropout",)),
    Elementwise(None, ("FeatureAlphaDropout",)),
)
ARITHMETIC_OF_ONE: Final = (
    *(Elementwise(name) for name in ("log", "sqrt", "rsqrt", "abs", "square", "sin", "cos", "erf", "clone")),
    *(Elementwise(name, in_place=True) for name in ("exp", "neg", "clamp")),
    *(Elementwise(name, memory="alias") for name in ("detach", "float")),
    Elementwise("contiguous", memory="new"),
)
UNARY: Final = (*ACTIVATIONS, *DROPOUTS, *ARITHMETIC_OF_ONE)

ARITHMETIC: Final = (
    *("add", "sub", "mul", "div", "true_divide", "maximum", "minimum", "pow", "addcmul", "addcdiv", "lerp"),
)
"""Of two or three tensors, aligned from the last dimension; the result has the dtype of floating point operands."""
_OTHER_ARITHMETIC: Final = ("floor_divide", "fmod", "remainder", "fmax", "fmin", "atan2", "hypot")
COMPARISONS: Final = ("eq", "ne", "lt", "le", "gt", "ge")
_LOGIC: Final = (*("logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor"),)
OF_TWO: Final = (
    *("add", "sub", "mul", "div", "true_divide", "maximum", "minimum", "pow"),
    *(*_OTHER_ARITHMETIC, *COMPARISONS, *_LOGIC),
)
"""Those of exactly two tensors that broadcast."""
OPERATORS: Final = ("__rsub__", "__rdiv__", "__rpow__", "__and__", "__or__", "__xor__", "__iadd__", "__imul__")
"""Python's own names of some of them."""


def layers() -> frozenset[str]:
    """The layers of torch.nn that are functions of each number for itself."""
    return frozenset(name for one in UNARY for name in one.layers)


def functions() -> frozenset[str]:
    """The functions of one tensor."""
    return frozenset(one.function for one in UNARY if one.function is not None)


def in_place() -> frozenset[str]:
    """The functions of one tensor that may write into it, without the `_` after their names."""
    return frozenset(one.function for one in UNARY if one.in_place and one.function is not None)


def of_memory(memory: Memory) -> frozenset[str]:
    """The layers and functions of one tensor whose results are in memory like this."""
    return frozenset(name for one in UNARY if one.memory == memory for name in one.names)


KINDS = (
    OperationKind(
        "dropout",
        layers=("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout"),
        functions=("dropout",),
        meaning="sets some numbers to 0 while training",
        declares=(LayerArgument("p", "the share of numbers that are set to 0 while training"),),
    ),
    OperationKind(
        "prelu",
        layers=("PReLU",),
        functions=("prelu",),
        declares=(LayerArgument("num_parameters", size_of="input"),),
    ),
)
