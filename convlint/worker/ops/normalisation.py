"""Layers with a number for each channel: rank, the declared channels or trailing dims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
import torch
from torch import nn

from convlint.worker.ops.breakdown import norms
from convlint.worker.ops.breakdown.case import LayerBreakdown
from convlint.worker.ops.call import Call, Check
from convlint.worker.ops.constructor import divisible
from convlint.worker.ops.op import BOTH, EVERYWHERE, IMAGES, ROWS, SEQUENCE, Op, ResultMemory, places, same
from convlint.worker.values.sizes import Size, at_least, divides, equal, product, shared_out


def _repair(call: Call, x: torch.Tensor, dim: int, declared: Size) -> None:
    """A norm changes no shape, so after a mistake either number may be the one that the rest was built for."""
    if call.ledger.choose(2):
        x = call.resized(x, dim, declared)
    call.result = call.ledger.fresh(tuple(x.shape), x)


def _check_rank(call: Call, x: torch.Tensor, ranks: tuple[int, ...]) -> bool:
    if x.dim() in ranks:
        return True
    call.require("rank", "input.rank", sympy.false, actual=x.dim(), expected=ranks[-1])
    call.result = call.ledger.fresh(tuple(x.shape), x)
    return False


def _channels(call: Call, x: torch.Tensor, channel: int, declared: int, argument: str | None, groups: int = 1) -> bool:
    actual = x.shape[channel]
    if call.require(
        "num_features",
        f"input.shape[{channel}]",
        equal(actual, declared),
        actual=actual,
        expected=declared,
        argument=argument,
        value=shared_out(actual, groups),
    ):
        return True
    _repair(call, x, channel, declared)
    return False


def _batch(*ranks: int) -> Check:
    """`[B, C]` or `[B, C, *]` with C = num_features (torch.nn.BatchNorm1d to 3d)."""

    def check(call: Call) -> None:
        layer: Any = call.layer
        x = call.tensor(0, "input")
        counts = layer.affine or layer.track_running_stats  # without weights and statistics any number goes
        if x is None or not _check_rank(call, x, ranks):
            return
        if not counts or _channels(call, x, 1, layer.num_features, "num_features"):
            call.result = call.ledger.like(call, x)

    return check


def _instance(rank: int) -> Check:
    """`[B, C, *]` or `[C, *]` with C = num_features (torch.nn.InstanceNorm1d to 3d)."""

    def check(call: Call) -> None:
        layer: Any = call.layer
        x = call.tensor(0, "input")
        counts = layer.affine or layer.track_running_stats
        if x is None or not _check_rank(call, x, (rank + 1, rank + 2)):
            return
        if counts and not _channels(call, x, x.dim() - rank - 1, layer.num_features, "num_features"):
            return
        if layer.training or not layer.track_running_stats:
            _check_spread(call, x, rank)

    return check


def _check_spread(call: Call, x: torch.Tensor, rank: int) -> None:
    """A single place has no variance: `Expected more than 1 spatial element when training` (F.instance_norm)."""
    places = product(x.shape[-rank:])
    if not call.require(
        "spatial",
        "input.shape[-1]",
        at_least(places, 2),
        actual=places,
        expected=2,
        detail="statistics over the places of each channel",
    ):
        call.result = call.ledger.fresh(tuple(x.shape), x)


def _group(call: Call) -> None:
    """`[B, C, *]` with C = num_channels, num_groups divides C (torch.nn.GroupNorm)."""
    layer: Any = call.layer
    x, groups = call.tensor(0, "input"), call.option(1, "num_groups")
    if x is None or not isinstance(groups, int) or (x.dim() < 2 and not _check_rank(call, x, (2, 3, 4, 5))):
        return
    if layer is not None:
        declared = layer.num_channels if layer.affine else None
    else:
        declared = _length([call.tensor(2, "weight"), call.tensor(3, "bias")])
    if declared is not None and not _channels(call, x, 1, declared, layer and "num_channels", groups):
        return
    actual = x.shape[1]
    if not call.require(
        "num_groups",
        "input.shape[1]",
        divides(groups, actual),
        actual=actual,
        expected=groups,
        argument=layer and "num_groups",
    ):
        call.result = call.ledger.fresh(tuple(x.shape), x)
    else:
        call.result = call.ledger.like(call, x)


def _trailing(call: Call, shape: tuple[Size, ...], argument: str | None) -> None:
    """`[*, *normalized_shape]` (torch.nn.LayerNorm, torch.nn.RMSNorm)."""
    x = call.tensor(0, "input")
    if x is None:
        return
    if x.dim() < len(shape):
        call.require("rank", "input.rank", sympy.false, actual=x.dim(), expected=len(shape))
        call.result = call.ledger.fresh(tuple(x.shape), x)
        return
    for dim in range(-len(shape), 0):
        actual, declared = x.shape[dim], shape[dim]
        if not call.require(
            "normalized_shape",
            f"input.shape[{dim}]",
            equal(actual, declared),
            actual=actual,
            expected=declared,
            argument=argument,
            value=actual,
        ):
            _repair(call, x, dim, declared)
            return
    call.result = call.ledger.fresh(tuple(x.shape), x)  # contiguous, whatever came


def _layer_norm(call: Call) -> None:
    layer: Any = call.layer
    _trailing(call, tuple(layer.normalized_shape), "normalized_shape")


def _functional_layer_norm(call: Call) -> None:
    x, shape = call.tensor(0, "input"), call.get(1, "normalized_shape")
    if x is None or not isinstance(shape, (list, tuple, torch.Size)):
        return
    weights = (call.tensor(2, "weight"), call.tensor(3, "bias"))
    declared = [*(tuple(one.shape) for one in weights if one is not None), tuple(shape)]
    _trailing(call, next((one for one in declared if not _ends_in(x, one)), declared[-1]), None)


def _ends_in(x: torch.Tensor, shape: tuple[Size, ...]) -> bool:
    """Whether the last dims are these for every size of the input."""
    if len(shape) > x.dim():
        return False
    last = x.shape[x.dim() - len(shape) :]
    return all(equal(actual, declared) is sympy.true for actual, declared in zip(last, shape, strict=True))


def _length(weights: Sequence[torch.Tensor | None]) -> int | None:
    """Of the first that there is."""
    return next((one.shape[0] for one in weights if one is not None and one.dim() == 1), None)


def _functional_batch_norm(call: Call) -> None:
    x = call.tensor(0, "input")
    statistics = [call.tensor(i, name) for i, name in enumerate(("running_mean", "running_var", "weight", "bias"), 1)]
    declared = _length(statistics)
    if x is not None and x.dim() >= 2 and declared is not None:
        _channels(call, x, 1, declared, None)


def _functional_instance_norm(call: Call) -> None:
    _functional_batch_norm(call)
    x = call.tensor(0, "input")
    if not call.is_done and x is not None and x.dim() >= 3 and call.get(5, "use_input_stats", True) is True:
        _check_spread(call, x, x.dim() - 2)


def _slopes(call: Call) -> None:
    """One slope for all channels, or one for each: `[B, C, *]` with C = num_parameters (torch.nn.PReLU)."""
    x, weight = call.tensor(0, "input"), call.layer.weight if call.layer is not None else call.tensor(1, "weight")
    if x is None or not isinstance(weight, torch.Tensor) or weight.dim() != 1 or weight.shape[0] == 1 or x.dim() == 0:
        return
    actual, declared = x.shape[1] if x.dim() > 1 else 1, weight.shape[0]
    if not call.require(
        "num_parameters",
        "input.shape[1]",
        equal(actual, declared),
        actual=actual,
        expected=declared,
        argument=call.layer and "num_parameters",
        value=actual,
    ):
        if x.dim() > 1:
            _repair(call, x, 1, declared)
        else:
            call.result = call.ledger.fresh(tuple(x.shape), x)


_OF_BATCHES = LayerBreakdown(norms.batch_norm)


def _batch_norm(kind: type[nn.Module], ranks: tuple[int, ...], axes: tuple[str, ...], *, is_rigid: bool) -> Op:
    return Op(
        layers=(kind,),
        check=_batch(*ranks),
        axes=axes,
        is_rigid=is_rigid,
        keeps=BOTH,
        has_weights=True,
        memory="images",
        breakdown=_OF_BATCHES,
    )


_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_INSTANCE_NORMS = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
NORMS = (nn.LayerNorm, nn.RMSNorm, nn.GroupNorm, *_BATCH_NORMS, *_INSTANCE_NORMS)
"""Layers whose results have the layout of their inputs."""

_FUNCTIONS: tuple[tuple[str, Check, ResultMemory | None], ...] = (
    ("layer_norm", _functional_layer_norm, "new"),
    ("rms_norm", _functional_layer_norm, None),
    ("batch_norm", _functional_batch_norm, "images"),
    ("instance_norm", _functional_instance_norm, "new"),
    ("group_norm", _group, "images"),
)

OPS = (
    _batch_norm(nn.BatchNorm1d, (2, 3), ROWS, is_rigid=False),
    _batch_norm(nn.BatchNorm2d, (4,), IMAGES[1], is_rigid=True),
    _batch_norm(nn.BatchNorm3d, (5,), IMAGES[2], is_rigid=True),
    Op(layers=(nn.SyncBatchNorm,), check=_batch(2, 3, 4, 5), keeps=BOTH, breakdown=_OF_BATCHES),
    *(
        Op(
            layers=(kind,),
            check=_instance(rank),
            shape=same,
            keeps=BOTH,
            has_weights=True,
            memory="new",
            breakdown=LayerBreakdown(norms.instance_norm, rank),
        )
        for rank, kind in enumerate(_INSTANCE_NORMS, 1)
    ),
    Op(
        layers=(nn.GroupNorm,),
        check=_group,
        keeps=BOTH,
        has_weights=True,
        constructor=(divisible("num_channels", "num_groups"),),
        memory="images",
        breakdown=LayerBreakdown(norms.group_norm),
    ),
    Op(
        layers=(nn.LayerNorm,),
        check=_layer_norm,
        axes=SEQUENCE,
        keeps=BOTH,
        has_weights=True,
        memory="new",
        breakdown=LayerBreakdown(norms.layer_norm, has_channels=False),
    ),
    Op(layers=(nn.RMSNorm,), check=_layer_norm, keeps=BOTH),
    Op(layers=(nn.LocalResponseNorm,), shape=same, keeps=BOTH),
    Op(layers=(nn.PReLU,), check=_slopes, shape=same, keeps=BOTH, memory="as-operand"),
    Op(functions=places("prelu", EVERYWHERE), check=_slopes),
    *(
        Op(functions=(f"torch.nn.functional.{name}",), check=check, shape=same, keeps=BOTH, memory=memory)
        for name, check, memory in _FUNCTIONS
    ),
    *(Op(functions=(f"torch.{name}",), memory=memory) for name, _, memory in _FUNCTIONS if memory is not None),
)
