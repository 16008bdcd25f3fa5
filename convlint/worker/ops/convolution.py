"""Convolutions: rank, channels, a kernel that fits into the padded input, and the sizes that come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy
import torch
from torch import nn

from convlint.ops.window import Window, per_dim, windows
from convlint.worker.ops.breakdown import products
from convlint.worker.ops.breakdown.case import LayerBreakdown
from convlint.worker.ops.call import Call, Check
from convlint.worker.ops.constructor import divisible
from convlint.worker.ops.op import IMAGES, RANKS, Op, Rule, Shape
from convlint.worker.ops.output_size import check_output_size
from convlint.worker.ops.padding import check_pads
from convlint.worker.ops.room import with_room
from convlint.worker.values.sizes import Size, at_least, divides, equal, shared_out


@dataclass(frozen=True)
class Convolution:
    """What a convolution declares. `windows` of None stand for padding `"same"`."""

    rank: int  # 1, 2 or 3 spatial dims
    in_channels: Size
    kernel: Sequence[Size]
    windows: Sequence[Window] | None
    transposed: bool
    from_layer: bool
    extra: Sequence[int] = ()  # its `output_padding`
    padding_mode: str = "zeros"
    groups: int = 1


def check_convolution(call: Call, conv: Convolution) -> None:
    """`[B, C_in, *] -> [B, C_out, *]`, or unbatched `[C_in, *]` (torch.nn.Conv1d to ConvTranspose3d)."""
    x = call.tensor(0, "input")
    if x is None or not _check_rank(call, x, conv):
        return
    channel = x.dim() - conv.rank - 1
    actual = x.shape[channel]
    argument = "in_channels" if conv.from_layer else None
    if not call.require(
        "in_channels",
        f"input.shape[{channel}]",
        equal(actual, conv.in_channels),
        actual=actual,
        expected=conv.in_channels,
        argument=argument,
        value=shared_out(actual, conv.groups),
    ):
        x = call.resized(x, channel, conv.in_channels)
        call.put(0, "input", x)
    if conv.transposed:
        _check_what_is_left(call, x, conv)
        _check_output_size(call, x, conv)
    elif conv.windows is not None:
        pads = [pad for window in reversed(conv.windows) for pad in (window.padding, window.padding)]
        x = check_pads(call, x, pads, conv.padding_mode)
        _check_spatial(call, x, conv)


def _check_rank(call: Call, x: torch.Tensor, conv: Convolution) -> bool:
    """Unbatched input is fine unless its first dim is the batch: then a dim is missing."""
    batched, unbatched = conv.rank + 2, conv.rank + 1
    if x.dim() == batched:
        return True
    if x.dim() == unbatched:
        fits = equal(x.shape[0], conv.in_channels) is sympy.true
        if fits or not call.ledger.is_batch(x.shape[0]):
            return True
    call.require(
        "rank",
        "input.rank",
        sympy.false,
        actual=x.dim(),
        expected=batched,
        detail=f"takes [B, C, {', '.join('DHW'[3 - conv.rank :] if conv.rank > 1 else 'L')}]",
    )
    batch = x.shape[0] if x.dim() else 1
    sizes = [max(64, k if isinstance(k, int) else 64) for k in conv.kernel]
    call.put(0, "input", call.ledger.fresh((batch, conv.in_channels, *sizes), x))
    call.tainted = True
    return False


def _check_spatial(call: Call, x: torch.Tensor, conv: Convolution) -> None:
    for i, window in enumerate(conv.windows or ()):
        dim = x.dim() - conv.rank + i
        least = _least(window.least)
        # With enough padding a window fits into nothing, which torch does not take.
        fits = at_least(x.shape[dim], 1) if least == 1 else at_least(x.shape[dim] - window.least, 0)
        x = with_room(call, x, dim, least, f"kernel of {window.kernel}", condition=fits)


def _check_what_is_left(call: Call, x: torch.Tensor, conv: Convolution) -> None:
    """A transposed convolution gives no negative size (torch.nn.ConvTranspose2d)."""
    for i, window in enumerate(conv.windows or ()):
        dim, extra = x.dim() - conv.rank + i, conv.extra[i]
        if not isinstance(window.kernel, int):
            continue
        cut = -window.spread(1, extra)
        least = 1 + max(0, -(-cut // window.stride))
        if least > 1:
            x = with_room(call, x, dim, least, f"padding of {window.padding}")
        step = max(window.stride, window.dilation)
        if extra >= step:
            facts = {"actual": extra, "expected": step}
            call.require("output_padding", f"input.shape[{dim}]", sympy.false, argument="output_padding", **facts)
        # Some kernels take an empty result and some do not: what follows decides.
        call.ledger.assume(at_least(window.spread(x.shape[dim], extra), 1))


def _check_output_size(call: Call, x: torch.Tensor, conv: Convolution) -> None:
    """The size that a call asks for is the least one or up to a stride more (nn.ConvTranspose2d.forward)."""
    wanted = call.get(1, "output_size") if call.layer is not None else None
    if wanted is None or len(wanted) not in (conv.rank, conv.rank + 2) or not conv.windows:
        return
    first = x.dim() - conv.rank
    least = [window.spread(size) for window, size in zip(conv.windows, x.shape[first:], strict=True)]
    most = [size + window.stride - 1 for size, window in zip(least, conv.windows, strict=True)]
    check_output_size(call, x, wanted, least, most)
    channels = getattr(call.layer, "out_channels", conv.in_channels)
    batch = x.shape[: first - 1]
    call.result = call.ledger.fresh((*batch, channels, *list(wanted)[-conv.rank :]), x)


def _least(size: Size) -> Size:
    return max(1, size) if isinstance(size, int) else size


def _windows(kernel: Sequence[Size], stride: Any, padding: Any, dilation: Any) -> tuple[Window, ...] | None:
    return None if padding == "same" else windows(kernel, stride, 0 if padding == "valid" else padding, dilation)


def check_layer(call: Call) -> None:
    layer: Any = call.layer
    rank = len(layer.kernel_size)
    check_convolution(
        call,
        Convolution(
            rank=rank,
            in_channels=layer.in_channels,
            kernel=layer.kernel_size,
            windows=_windows(layer.kernel_size, layer.stride, layer.padding, layer.dilation),
            transposed=layer.transposed,
            from_layer=True,
            extra=layer.output_padding,
            padding_mode=layer.padding_mode,
            groups=layer.groups,
        ),
    )


def _functional(rank: int, transposed: bool) -> Check:
    def check(call: Call) -> None:
        x, weight = call.tensor(0, "input"), call.tensor(1, "weight")
        if x is None or weight is None or weight.dim() != rank + 2:
            return
        groups = call.get(7 if transposed else 6, "groups", 1)
        dilation = call.get(6 if transposed else 5, "dilation", 1)
        out_channels = weight.shape[0]
        if not transposed and not call.require(
            "groups", "inputs[1].shape[0]", divides(groups, out_channels), actual=out_channels, expected=groups
        ):
            return
        check_convolution(
            call,
            Convolution(
                rank=rank,
                in_channels=weight.shape[0] if transposed else weight.shape[1] * groups,
                kernel=weight.shape[2:],
                windows=_windows(weight.shape[2:], call.get(3, "stride", 1), call.get(4, "padding", 0), dilation),
                transposed=transposed,
                from_layer=False,
                extra=per_dim(call.get(5, "output_padding", 0) if transposed else 0, rank),
            ),
        )

    return check


def layer_shape(call: Call) -> Shape | None:
    layer: Any = call.layer
    x = call.tensor(0, "input")
    if x is None or len(call.args) + len(call.kwargs) > 1:
        return None
    padding = None if layer.padding == "same" else 0 if layer.padding == "valid" else layer.padding
    moves = None if padding is None else windows(layer.kernel_size, layer.stride, padding, layer.dilation)
    if layer.transposed:
        return _transposed(x, layer.out_channels, moves, layer.output_padding) if moves is not None else None
    return _convolved(x, layer.out_channels, len(layer.kernel_size), moves)


def _convolved(x: torch.Tensor, channels: Size, rank: int, moves: Sequence[Window] | None) -> Shape:
    """No windows where the padding is "same" and the stride 1: then the sizes stay."""
    sizes: list[Size] = list(x.shape[x.dim() - rank :])
    if moves is not None:
        sizes = [window.places(size) for window, size in zip(moves, sizes, strict=True)]
    return (*x.shape[: x.dim() - rank - 1], channels, *sizes)


def _transposed(x: torch.Tensor, channels: Size, moves: Sequence[Window], extra: Sequence[int]) -> Shape:
    spatial = x.shape[x.dim() - len(moves) :]
    sizes = [window.spread(size, more) for window, size, more in zip(moves, spatial, extra, strict=True)]
    return (*x.shape[: x.dim() - len(moves) - 1], channels, *sizes)


def _function_shape(rank: int) -> Rule:
    def rule(call: Call) -> Shape | None:
        x, weight = call.tensor(0, "input"), call.tensor(1, "weight")
        padding = call.get(4, "padding", 0)
        if x is None or weight is None or isinstance(padding, str):
            return None
        stride, dilation = call.get(3, "stride", 1), call.get(5, "dilation", 1)
        return _convolved(x, weight.shape[0], rank, windows(weight.shape[2:], stride, padding, dilation))

    return rule


CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)

OPS = (
    *(
        Op(
            layers=(kind,),
            check=check_layer,
            shape=layer_shape,
            axes=axes,
            is_rigid=True,
            declares="channels",
            has_weights=True,
            constructor=(divisible("in_channels", "groups"), divisible("out_channels", "groups")),
            dims="convolution",
            memory="images",
            breakdown=LayerBreakdown(take, rank),
        )
        for kinds, take in ((CONVOLUTIONS, products.convolution), (TRANSPOSED, products.transposed_convolution))
        for rank, kind, axes in zip(RANKS.values(), kinds, IMAGES, strict=True)
    ),
    *(
        Op(
            functions=(f"torch.nn.functional.conv{name}",),
            check=_functional(rank, False),
            shape=_function_shape(rank),
            dims="weight",
            memory="images",
        )
        for name, rank in RANKS.items()
    ),
    *(
        Op(functions=(f"torch.nn.functional.conv_transpose{name}",), check=_functional(rank, True), memory="images")
        for name, rank in RANKS.items()
    ),
)
