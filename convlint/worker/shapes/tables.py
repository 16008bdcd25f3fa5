"""Which layer and which function has which rule."""

from __future__ import annotations

from torch import nn

from convlint.ops import elementwise, normalisation
from convlint.worker.shapes.layouts import (
    flattened,
    interpolated,
    moved,
    padded,
    padded_by_layer,
    shuffled,
    unflattened,
    upsampled,
    viewed,
)
from convlint.worker.shapes.operands import (
    bilinear_layer,
    broadcast,
    concatenated,
    einstein,
    linear_function,
    linear_layer,
    product,
    reduced,
    repeated,
    same,
)
from convlint.worker.shapes.rule import Rule
from convlint.worker.shapes.strides import MOVES
from convlint.worker.shapes.windows import adaptive, conv_function, conv_layer, pool

_MAX = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
_AVG = ("kernel_size", "stride", "padding", "ceil_mode")
_SAME_LAYERS = (*elementwise.layers(), *normalisation.layers("instance"), "LocalResponseNorm")
_SAME_FUNCTIONS = (*elementwise.functions(), "normalize")

LAYERS: dict[type[nn.Module], Rule] = {
    **{getattr(nn, name): same for name in _SAME_LAYERS if hasattr(nn, name)},
    **dict.fromkeys(
        (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
        conv_layer,
    ),
    **{kind: pool(i + 1, _MAX, True) for i, kind in enumerate((nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d))},
    **{kind: pool(i + 1, _AVG, True) for i, kind in enumerate((nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d))},
    **{
        getattr(nn, f"Adaptive{kind}Pool{rank}d"): adaptive(rank, True) for kind in ("Avg", "Max") for rank in (1, 2, 3)
    },
    **{
        getattr(nn, f"{kind}Pad{rank}d"): padded_by_layer
        for kind in ("Zero", "Constant", "Reflection", "Replication", "Circular")
        for rank in (1, 2, 3)
    },
    nn.Linear: linear_layer,
    nn.Bilinear: bilinear_layer,
    nn.Flatten: flattened,
    nn.Unflatten: unflattened,
    nn.ChannelShuffle: same,
    nn.PixelShuffle: shuffled,
    nn.PixelUnshuffle: shuffled,
    **dict.fromkeys((nn.Upsample, nn.UpsamplingNearest2d, nn.UpsamplingBilinear2d), upsampled),
}
_PLACES = ("torch.", "torch.Tensor.", "torch.nn.functional.")
_PRODUCTS = ("torch.matmul", "torch.Tensor.matmul", "torch.Tensor.__matmul__", "torch.bmm", "torch.Tensor.bmm")
FUNCTIONS: dict[str, Rule] = {
    **{f"{place}{name}": same for place in _PLACES for name in _SAME_FUNCTIONS},
    **{f"torch.nn.functional.conv{rank}d": conv_function(rank) for rank in (1, 2, 3)},
    **{f"torch.nn.functional.max_pool{rank}d": pool(rank, _MAX, False) for rank in (1, 2, 3)},
    **{f"torch.nn.functional.avg_pool{rank}d": pool(rank, _AVG, False) for rank in (1, 2, 3)},
    **{f"torch.nn.functional.adaptive_avg_pool{rank}d": adaptive(rank, False) for rank in (1, 2, 3)},
    "torch.nn.functional.linear": linear_function,
    **{f"torch.nn.functional.{name}": same for name in normalisation.functions()},
    **{f"{place}flatten": flattened for place in _PLACES[:2]},
    **{f"{place}pixel_{name}": shuffled for place in _PLACES for name in ("shuffle", "unshuffle")},
    **{f"{place}channel_shuffle": same for place in _PLACES},
    **{f"{place}unflatten": unflattened for place in _PLACES[:2]},
    **{f"{place}{name}": moved for place in _PLACES[:2] for name in MOVES},
    **dict.fromkeys(("torch.Tensor.view", "torch.Tensor.reshape", "torch.reshape"), viewed),
    **{f"{place}{name}": broadcast for place in _PLACES[:2] for name in elementwise.ARITHMETIC},
    **{f"torch.Tensor.{name}_": same for name in elementwise.ARITHMETIC},
    **{f"{place}{name}_": same for place in _PLACES for name in elementwise.in_place()},
    **{f"{place}{name}": reduced for place in _PLACES[:2] for name in ("mean", "sum", "amax", "amin")},
    **{f"{place}repeat_interleave": repeated for place in _PLACES[:2]},
    "torch.cat": concatenated,
    **dict.fromkeys(_PRODUCTS, product),
    **dict.fromkeys(("torch.einsum", "torch.functional.einsum"), einstein),
    "torch.nn.functional.interpolate": interpolated,
    "torch.nn.functional.pad": padded,
}
