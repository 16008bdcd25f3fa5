"""Shapes of results written down from torch's documentation, for calls with symbolic sizes.

Computing them with fake tensors costs 50 ms a call, spent on guards about strides that say nothing about shapes.
Only for tensors that are known to be contiguous, since torch keeps other strides through a call and a later `view`
depends on them. What has no rule here is computed by torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import sympy
import torch
from torch import nn

from convlint.worker.call import Call
from convlint.worker.requirements.conv import per_dim
from convlint.worker.sizes import Size, equal, product

Shape = tuple[Size, ...]
Rule = Callable[[Call], Shape | None]


def _same(call: Call) -> Shape | None:
    x = call.tensor(0, "input")
    return tuple(x.shape) if x is not None and x.is_floating_point() else None


def _window(size: Size, kernel: Size, stride: int, padding: int, dilation: int) -> Size:
    """`floor((size + 2*padding - dilation*(kernel-1) - 1) / stride) + 1` (torch.nn.Conv2d, torch.nn.MaxPool2d)."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def _conv_layer(call: Call) -> Shape | None:
    layer: Any = call.layer
    x = call.tensor(0, "input")
    if x is None or len(call.args) + len(call.kwargs) > 1 or layer.padding_mode != "zeros":
        return None
    padding = None if layer.padding == "same" else [0] * 3 if layer.padding == "valid" else layer.padding
    geometry = (layer.kernel_size, layer.stride, padding, layer.dilation)
    if layer.transposed:
        return _transposed(x, layer.out_channels, geometry, layer.output_padding)
    return _convolved(x, layer.out_channels, geometry)


def _convolved(x: torch.Tensor, channels: Size, geometry: tuple[Any, ...]) -> Shape:
    kernel, stride, padding, dilation = geometry
    rank = len(kernel)
    sizes = [
        x.shape[x.dim() - rank + i]
        if padding is None
        else _window(x.shape[x.dim() - rank + i], kernel[i], stride[i], padding[i], dilation[i])
        for i in range(rank)
    ]
    return (*x.shape[: x.dim() - rank - 1], channels, *sizes)


def _transposed(x: torch.Tensor, channels: Size, geometry: tuple[Any, ...], extra: Sequence[int]) -> Shape:
    """`(size-1)*stride - 2*padding + dilation*(kernel-1) + output_padding + 1` (torch.nn.ConvTranspose2d)."""
    kernel, stride, padding, dilation = geometry
    rank = len(kernel)
    sizes = [
        (x.shape[x.dim() - rank + i] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (kernel[i] - 1) + extra[i] + 1
        for i in range(rank)
    ]
    return (*x.shape[: x.dim() - rank - 1], channels, *sizes)


def _conv_function(rank: int) -> Rule:
    def rule(call: Call) -> Shape | None:
        x, weight = call.tensor(0, "input"), call.tensor(1, "weight")
        padding = call.get(4, "padding", 0)
        if x is None or weight is None or isinstance(padding, str):
            return None
        stride, dilation = call.get(3, "stride", 1), call.get(5, "dilation", 1)
        geometry = (weight.shape[2:], *(per_dim(value, rank) for value in (stride, padding, dilation)))
        return _convolved(x, weight.shape[0], geometry)

    return rule


def _pool(rank: int, names: tuple[str, ...], from_layer: bool) -> Rule:
    def rule(call: Call) -> Shape | None:
        def get(name: str) -> Any:
            if from_layer:
                return getattr(call.layer, name, None)
            return call.get(1 + names.index(name), name) if name in names else None

        x = call.tensor(0, "input")
        if x is None or get("ceil_mode") or get("return_indices") or call.kwargs.get("return_indices"):
            return None
        kernel = per_dim(get("kernel_size"), rank)
        stride = per_dim(get("stride"), rank) if get("stride") not in (None, [], ()) else kernel
        padding, dilation = per_dim(get("padding") or 0, rank), per_dim(get("dilation") or 1, rank)
        sizes = [
            _window(x.shape[x.dim() - rank + i], kernel[i], stride[i], padding[i], dilation[i]) for i in range(rank)
        ]
        return (*x.shape[: x.dim() - rank], *sizes)

    return rule


def _adaptive(rank: int, from_layer: bool) -> Rule:
    def rule(call: Call) -> Shape | None:
        x = call.tensor(0, "input")
        wanted = getattr(call.layer, "output_size", None) if from_layer else call.get(1, "output_size")
        if x is None or wanted is None:
            return None
        target = per_dim(wanted, rank)
        if getattr(call.layer, "return_indices", False) or call.kwargs.get("return_indices"):
            return None
        kept = x.shape[x.dim() - rank :]
        sizes = [old if new is None else new for old, new in zip(kept, target, strict=True)]
        return (*x.shape[: x.dim() - rank], *sizes)

    return rule


def _linear_layer(call: Call) -> Shape | None:
    x = call.tensor(0, "input")
    return (*x.shape[:-1], call.layer.out_features) if x is not None and isinstance(call.layer, nn.Linear) else None


def _linear_function(call: Call) -> Shape | None:
    x, weight = call.tensor(0, "input"), call.tensor(1, "weight")
    return (*x.shape[:-1], weight.shape[0]) if x is not None and weight is not None and weight.dim() == 2 else None


def _flattened(call: Call) -> Shape | None:
    x = call.tensor(0, "input")
    if call.layer is not None:
        layer: Any = call.layer
        start, end = layer.start_dim, layer.end_dim
    else:
        start, end = call.get(1, "start_dim", 0), call.get(2, "end_dim", -1)
    if x is None or x.dim() == 0 or not isinstance(start, int) or not isinstance(end, int):
        return None
    start, end = start % x.dim(), end % x.dim()
    if start >= end:
        return tuple(x.shape) if start == end else None
    return (*x.shape[:start], product(x.shape[start : end + 1]), *x.shape[end + 1 :])


def _viewed(call: Call) -> Shape | None:
    """A target with one -1 whose size is a plain quotient."""
    x, rest = call.tensor(0, "input"), list(call.args[1:])
    given = rest[0] if len(rest) == 1 and isinstance(rest[0], (list, tuple, torch.Size)) else rest
    if x is None or call.kwargs or not given or not all(isinstance(s, (int, torch.SymInt)) for s in given):
        return None
    holes = [i for i, size in enumerate(given) if isinstance(size, int) and size == -1]
    if len(holes) > 1 or any(isinstance(size, int) and size == 0 for size in given):
        return None
    if not holes:
        return tuple(given)
    shape, known = _cancelled(list(x.shape), [size for i, size in enumerate(given) if i not in holes])
    inferred = product(shape) // product(known) if known else product(shape)
    return tuple(inferred if i in holes else size for i, size in enumerate(given))


def _cancelled(shape: list[Size], target: list[Size]) -> tuple[list[Size], list[Size]]:
    """Both without the sizes that they share, so that a quotient stays simple."""
    for size in list(target):
        twin = next((i for i, own in enumerate(shape) if equal(own, size) is sympy.true), None)
        if twin is not None:
            del shape[twin]
            target.remove(size)
    return shape, target


def _broadcast(call: Call) -> Shape | None:
    """Operands aligned from the last dim, a size of 1 gives way (torch.broadcast_shapes)."""
    operands = [arg for arg in call.args if isinstance(arg, torch.Tensor)]
    numeric = [x for x in operands if x.dtype is not torch.bool]
    if not operands or any(not x.is_floating_point() for x in numeric) or call.kwargs.keys() - {"alpha", "value"}:
        return None
    result: list[Size] = []
    for x in operands:
        shape: list[Size] = list(x.shape)
        rank = max(len(result), len(shape))
        merged = _merged([*[1] * (rank - len(result)), *result], [*[1] * (rank - len(shape)), *shape])
        if merged is None:
            return None
        result = merged
    return tuple(result)


def _merged(a: list[Size], b: list[Size]) -> list[Size] | None:
    result: list[Size] = []
    for left, right in zip(a, b, strict=True):
        if isinstance(left, int) and left == 1:
            result.append(right)
        elif (isinstance(right, int) and right == 1) or equal(left, right) is sympy.true:
            result.append(left)
        else:
            return None
    return result


def _interpolated(call: Call) -> Shape | None:
    """`size`, or `floor(size * scale_factor)` where the factor is a fraction (torch.nn.functional.interpolate)."""
    x, size, scale = call.tensor(0, "input"), call.get(1, "size"), call.get(2, "scale_factor")
    if x is None or x.dim() < 3 or not x.is_floating_point():
        return None
    rank = x.dim() - 2
    if size is not None:
        target = per_dim(size, rank)
    elif scale is not None:
        factors = [Fraction(factor).limit_denominator(64) for factor in per_dim(scale, rank)]
        if any(float(f) != given for f, given in zip(factors, per_dim(scale, rank), strict=True)):
            return None  # torch multiplies floats: only exact factors can be told in symbols
        target = [old * f.numerator // f.denominator for old, f in zip(x.shape[2:], factors, strict=True)]
    else:
        return None
    return (*x.shape[:2], *target) if len(target) == rank else None


def _upsampled(call: Call) -> Shape | None:
    layer: Any = call.layer
    x = call.tensor(0, "input")
    return None if x is None else _interpolated(Call(call.ledger, "", [x, layer.size, layer.scale_factor], {}))


def _padded(call: Call) -> Shape | None:
    """Two numbers a dim, the last dim first (torch.nn.functional.pad)."""
    x, pads = call.tensor(0, "input"), call.get(1, "pad")
    if x is None or not isinstance(pads, (list, tuple)) or len(pads) % 2 or len(pads) > 2 * x.dim():
        return None
    shape: list[Size] = list(x.shape)
    for i in range(0, len(pads), 2):
        shape[-1 - i // 2] = shape[-1 - i // 2] + pads[i] + pads[i + 1]
    return tuple(shape) if call.get(2, "mode", "constant") == "constant" else None


def _concatenated(call: Call) -> Shape | None:
    tensors, dim = call.get(0, "tensors"), call.get(1, "dim", 0)
    if not isinstance(tensors, (list, tuple)) or not tensors or not isinstance(dim, int):
        return None
    first = tensors[0]
    if any(x.dim() != first.dim() or x.dtype != first.dtype for x in tensors) or first.dim() == 0:
        return None
    shape = list(first.shape)
    dim %= len(shape)
    for x in tensors[1:]:
        if any(i != dim and equal(a, b) is not sympy.true for i, (a, b) in enumerate(zip(shape, x.shape, strict=True))):
            return None
        shape[dim] = shape[dim] + x.shape[dim]
    return tuple(shape)


_MAX = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
_AVG = ("kernel_size", "stride", "padding", "ceil_mode")
_SAME_LAYERS = [
    "ReLU",
    "ReLU6",
    "LeakyReLU",
    "RReLU",
    "ELU",
    "SELU",
    "CELU",
    "GELU",
    "SiLU",
    "Mish",
    "Hardswish",
    "Hardsigmoid",
    "Hardtanh",
    "Sigmoid",
    "Tanh",
    "Softplus",
    "Softsign",
    "Tanhshrink",
    "Softshrink",
    "Hardshrink",
    "Threshold",
    "Softmax",
    "Softmin",
    "LogSoftmax",
    "LogSigmoid",
    "Softmax2d",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "AlphaDropout",
    "FeatureAlphaDropout",
    "LocalResponseNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
]
_SAME_FUNCTIONS = [
    "relu",
    "relu6",
    "leaky_relu",
    "rrelu",
    "elu",
    "selu",
    "celu",
    "gelu",
    "silu",
    "mish",
    "hardswish",
    "hardsigmoid",
    "hardtanh",
    "sigmoid",
    "tanh",
    "softplus",
    "softsign",
    "softmax",
    "log_softmax",
    "softmin",
    "logsigmoid",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "alpha_dropout",
    "normalize",
    "exp",
    "log",
    "sqrt",
    "rsqrt",
    "abs",
    "neg",
    "square",
    "sin",
    "cos",
    "erf",
    "clamp",
    "contiguous",
    "clone",
    "detach",
    "float",
]
_IN_PLACE = [
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "clamp",
    "sigmoid",
    "tanh",
    "hardtanh",
    "dropout",
    "neg",
    "exp",
]
_BINARY = ["add", "sub", "mul", "div", "true_divide", "maximum", "minimum", "addcmul", "addcdiv", "lerp"]

LAYERS: dict[type[nn.Module], Rule] = {
    **{getattr(nn, name): _same for name in _SAME_LAYERS if hasattr(nn, name)},
    **dict.fromkeys(
        (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
        _conv_layer,
    ),
    **{kind: _pool(i + 1, _MAX, True) for i, kind in enumerate((nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d))},
    **{kind: _pool(i + 1, _AVG, True) for i, kind in enumerate((nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d))},
    **{
        getattr(nn, f"Adaptive{kind}Pool{rank}d"): _adaptive(rank, True)
        for kind in ("Avg", "Max")
        for rank in (1, 2, 3)
    },
    nn.Linear: _linear_layer,
    nn.Flatten: _flattened,
    **dict.fromkeys((nn.Upsample, nn.UpsamplingNearest2d, nn.UpsamplingBilinear2d), _upsampled),
}
_PLACES = ("torch.", "torch.Tensor.", "torch.nn.functional.")
FUNCTIONS: dict[str, Rule] = {
    **{f"{place}{name}": _same for place in _PLACES for name in _SAME_FUNCTIONS},
    **{f"torch.nn.functional.conv{rank}d": _conv_function(rank) for rank in (1, 2, 3)},
    **{f"torch.nn.functional.max_pool{rank}d": _pool(rank, _MAX, False) for rank in (1, 2, 3)},
    **{f"torch.nn.functional.avg_pool{rank}d": _pool(rank, _AVG, False) for rank in (1, 2, 3)},
    **{f"torch.nn.functional.adaptive_avg_pool{rank}d": _adaptive(rank, False) for rank in (1, 2, 3)},
    "torch.nn.functional.linear": _linear_function,
    **{f"torch.nn.functional.{name}": _same for name in ("batch_norm", "layer_norm", "rms_norm")},
    **{f"{place}flatten": _flattened for place in _PLACES[:2]},
    **dict.fromkeys(("torch.Tensor.view", "torch.Tensor.reshape", "torch.reshape"), _viewed),
    **{f"{place}{name}": _broadcast for place in _PLACES[:2] for name in _BINARY},
    **{f"torch.Tensor.{name}_": _same for name in _BINARY},
    **{f"{place}{name}_": _same for place in _PLACES for name in _IN_PLACE},
    "torch.cat": _concatenated,
    "torch.nn.functional.interpolate": _interpolated,
    "torch.nn.functional.pad": _padded,
}


_FROM_ANY_STRIDES = ("torch.nn.Linear", "torch.nn.functional.linear")


def needs_contiguous(call: Call) -> bool:
    """Whether the strides of the result follow those of the input: a Linear's are always those of a new tensor."""
    return call.target not in _FROM_ANY_STRIDES


def _rule(call: Call) -> Rule | None:
    return FUNCTIONS.get(call.target) if call.layer is None else LAYERS.get(type(call.layer))


def is_one_dtype(call: Call, tensors: Sequence[torch.Tensor]) -> bool:
    """Whether all operands, and the layer's weights, have one dtype: what else comes of it is torch's to say."""
    weight = getattr(call.layer, "weight", None)
    own = [weight.dtype] if isinstance(weight, torch.Tensor) else []
    return len({*own, *(x.dtype for x in tensors if x.dtype is not torch.bool)}) <= 1


def has_rule(call: Call) -> bool:
    """Whether the call is one whose result is contiguous where its inputs are."""
    return _rule(call) is not None


def result_shape(call: Call) -> Shape | None:
    """The shape of the call's one result; None where torch must say it."""
    rule = _rule(call)
    return rule(call) if rule is not None else None
