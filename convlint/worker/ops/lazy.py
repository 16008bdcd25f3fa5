"""Lazy layers: they take what comes, and declare only what they give."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from convlint.worker.ops import convolution
from convlint.worker.ops.call import Call, Check
from convlint.worker.ops.op import RANKS, Op
from convlint.worker.torch_private.symbols import hint_of


def _linear(call: Call) -> None:
    """`[*, F] -> [*, out_features]` (torch.nn.LazyLinear)."""
    layer: Any = call.layer
    x = call.tensor(0, "input")
    if x is not None:
        call.result = call.ledger.fresh((*x.shape[:-1], layer.out_features), x)


def _norm(call: Call) -> None:
    """The shape that came (torch.nn.LazyBatchNorm1d to 3d, LazyInstanceNorm1d to 3d)."""
    x = call.tensor(0, "input")
    if x is not None:
        call.result = call.ledger.like(call, x)


def _conv(call: Call) -> None:
    """What the layer becomes at its first call, with the channels that come (torch.nn.LazyConv1d to 3d)."""
    layer: Any = call.layer
    x = call.tensor(0, "input")
    rank = len(layer.kernel_size)
    if x is None or x.dim() not in (rank + 1, rank + 2):
        return
    channels = hint_of(x.shape[x.dim() - rank - 1])
    options = {name: getattr(layer, name) for name in ("stride", "padding", "dilation", "groups", "padding_mode")}
    if layer.transposed:
        options["output_padding"] = layer.output_padding
    twin: Any = layer.cls_to_become(channels, layer.out_channels, layer.kernel_size, **options)
    inner = Call(call.ledger, call.target, [x], {}, layer=twin)
    convolution.check_layer(inner)
    call.tainted = inner.tainted
    call.result = torch.nn.Module.__call__(twin, inner.args[0])


def _while_lazy(check: Check) -> Check:
    def checked(call: Call) -> None:
        if call.layer is not None and any(is_lazy(p) for p in call.layer.parameters()):
            check(call)

    return checked


OPS = (
    Op(layers=(nn.LazyLinear,), check=_while_lazy(_linear)),
    Op(
        layers=tuple(getattr(nn, f"Lazy{kind}{end}") for kind in ("Conv", "ConvTranspose") for end in RANKS),
        check=_while_lazy(_conv),
    ),
    Op(
        layers=tuple(getattr(nn, f"Lazy{kind}{end}") for kind in ("BatchNorm", "InstanceNorm") for end in RANKS),
        check=_norm,
    ),
)
