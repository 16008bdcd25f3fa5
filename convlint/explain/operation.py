"""What a node does, under one name for the layer and the function: `nn.MaxPool2d(2)` and `F.max_pool2d(x, 2)`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from convlint.facts import Attribute, Dim, Layer, ModelFacts, Node

Shape = tuple[Dim, ...]

_WINDOWED: Final = re.compile(
    r"(?:Lazy)?(Conv|ConvTranspose|MaxPool|AvgPool|LPPool|AdaptiveAvgPool|AdaptiveMaxPool)([123])d"
)
_KINDS: Final = {
    "Conv": "conv",
    "ConvTranspose": "conv_transpose",
    "MaxPool": "max_pool",
    "AvgPool": "avg_pool",
    "LPPool": "lp_pool",
    "AdaptiveAvgPool": "adaptive_pool",
    "AdaptiveMaxPool": "adaptive_pool",
}
_FUNCTION: Final = re.compile(
    r"(conv|conv_transpose|max_pool|avg_pool|lp_pool|adaptive_avg_pool|adaptive_max_pool)([123])d(?:_with_indices)?"
)
# The names of a function's arguments by their places; None for tensors.
_PLACES: Final[dict[str, tuple[str | None, ...]]] = {
    "conv": (None, None, None, "stride", "padding", "dilation", "groups"),
    "conv_transpose": (None, None, None, "stride", "padding", "output_padding", "groups", "dilation"),
    "max_pool": (None, "kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    "avg_pool": (None, "kernel_size", "stride", "padding", "ceil_mode"),
    "lp_pool": (None, "norm_type", "kernel_size", "stride", "ceil_mode"),
    "adaptive_pool": (None, "output_size"),
    "interpolate": (None, "size", "scale_factor"),
    "upsample": (None, "size", "scale_factor"),
    "pixel_shuffle": (None, "upscale_factor"),
    "pixel_unshuffle": (None, "downscale_factor"),
    "pad": (None, "pad"),
    "cat": (None, "dim"),
    "stack": (None, "dim"),
    "einsum": ("equation",),
}
_SAME: Final = {"concat": "cat", "concatenate": "cat", "view": "reshape", "flatten": "reshape", "unflatten": "reshape"}
_MATRIX_PRODUCTS: Final = {
    "__matmul__": "matmul",
    "bmm": "matmul",
    "mm": "matmul",
    "mv": "matmul",
    "dot": "matmul",
    "linalg_matmul": "matmul",
}
_LAYERS: Final = {
    "Flatten": "reshape",
    "Unflatten": "reshape",
    "Upsample": "interpolate",
    "UpsamplingNearest2d": "interpolate",
    "UpsamplingBilinear2d": "interpolate",
    "PixelShuffle": "pixel_shuffle",
    "PixelUnshuffle": "pixel_unshuffle",
    "LazyLinear": "linear",
    "NonDynamicallyQuantizableLinear": "linear",
    "MultiheadAttention": "attention",
    "LSTMCell": "recurrent_cell",
    "GRUCell": "recurrent_cell",
    "RNNCell": "recurrent_cell",
    "LSTM": "recurrent",
    "GRU": "recurrent",
    "RNN": "recurrent",
    "EmbeddingBag": "embedding",
}


@dataclass(frozen=True, slots=True)
class Operation:
    kind: str  # "conv", "max_pool", "linear", "reshape", ...; else the plain name of the layer or function
    spatial: int  # how many sizes windows move over
    options: Mapping[str, Attribute]
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    layer: Layer | None

    def numbers(self, name: str, default: int | None = None) -> tuple[int, ...] | None:
        """An option as one number for each size that windows move over."""
        value = self.options.get(name)
        if value is None or value == ():
            return None if default is None else (default,) * self.spatial
        values = value if isinstance(value, tuple) else (value,) * self.spatial
        if len(values) == 1:
            values = values * self.spatial
        numbers = tuple(item for item in values if isinstance(item, int))
        return numbers if len(numbers) == len(values) == self.spatial else None

    def number(self, name: str) -> int | None:
        value = self.options.get(name)
        return value if isinstance(value, int) else None


def operation_of(node: Node, model: ModelFacts) -> Operation:
    """The operation of a node, with its options by name."""
    inputs = tuple(fact.shape for fact in node.inputs)
    outputs = tuple(fact.shape for fact in node.outputs)
    layer = model.layers.get(node.layer) if node.layer is not None else None
    if layer is not None:
        kind, spatial = _layer_kind((layer.base or layer.type).rpartition(".")[2])
        return Operation(kind, spatial, layer.attributes, inputs, outputs, layer)
    kind, spatial = _function_kind(node.target.rpartition(".")[2])
    names = _PLACES.get(kind, ())
    options = {name: node.arguments[str(i)] for i, name in enumerate(names) if name and str(i) in node.arguments}
    options |= {name: value for name, value in node.arguments.items() if not name.isdigit()}
    if kind in ("conv", "conv_transpose") and len(inputs) > 1:
        options |= _channels(inputs[1], options, transposed=kind == "conv_transpose")
    return Operation(kind, spatial, options, inputs, outputs, None)


def _layer_kind(name: str) -> tuple[str, int]:
    windowed = _WINDOWED.fullmatch(name)
    if windowed:
        return _KINDS[windowed[1]], int(windowed[2])
    if re.fullmatch(r"(Zero|Constant|Reflection|Replication|Circular)Pad[123]d", name):
        return "pad", int(name[-2])
    return _LAYERS.get(name, name.removeprefix("Lazy").lower()), 0


def _function_kind(name: str) -> tuple[str, int]:
    windowed = _FUNCTION.fullmatch(name)
    if windowed:
        kind = "adaptive_pool" if windowed[1].startswith("adaptive") else windowed[1]
        return kind, int(windowed[2])
    return _SAME.get(name, _MATRIX_PRODUCTS.get(name, name)), 0


def _channels(weight: Shape, options: Mapping[str, Attribute], *, transposed: bool) -> dict[str, Attribute]:
    """What the weight of a functional convolution says beside its arguments."""
    sizes = [size for size in weight if isinstance(size, int)]
    groups = options.get("groups", 1)
    if len(sizes) != len(weight) or len(sizes) < 3 or not isinstance(groups, int):
        return {}
    first, second = (sizes[0], sizes[1] * groups)
    inside, outside = (first, second) if transposed else (second, first)
    return {"in_channels": inside, "out_channels": outside, "kernel_size": tuple(sizes[2:]), "groups": groups}


def shape_text(shape: Shape) -> str:
    """`[B, 1, 28, 28]`."""
    return f"[{', '.join(map(str, shape))}]"
