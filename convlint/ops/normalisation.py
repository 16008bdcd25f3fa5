"""Layers and functions that bring numbers to mean 0 and variance 1: their results have the shape of their input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from convlint.ops.argument import LayerArgument
from convlint.ops.kind import OperationKind
from convlint.ops.work import NOTHING

Over = Literal["batch", "instance", "group", "features"]


@dataclass(frozen=True, slots=True)
class Normalisation:
    """What one kind of norm takes its statistics over, and the layers and the function that do so."""

    over: Over
    layers: tuple[str, ...]
    function: str


NORMALISATIONS: Final = (
    Normalisation("batch", ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"), "batch_norm"),
    Normalisation("instance", ("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"), "instance_norm"),
    Normalisation("group", ("GroupNorm",), "group_norm"),
    Normalisation("features", ("LayerNorm",), "layer_norm"),
    Normalisation("features", ("RMSNorm",), "rms_norm"),
)


def layers(*over: Over) -> tuple[str, ...]:
    """The layers that take their statistics over these; all where none are named."""
    return tuple(name for one in NORMALISATIONS if not over or one.over in over for name in one.layers)


def functions() -> tuple[str, ...]:
    return tuple(one.function for one in NORMALISATIONS)


_MEANINGS: Final[dict[Over, str | None]] = {
    "batch": "brings each channel to mean 0 and variance 1 over the batch, then scales and shifts it",
    "instance": None,
    "group": "brings groups of channels to mean 0 and variance 1, then scales and shifts them",
    "features": "brings the features of each place to mean 0 and variance 1, then scales and shifts them",
}

_ARGUMENTS: Final = {
    "batch_norm": (LayerArgument("num_features", "the input must have {} channels: its second size", size_of="input"),),
    "layer_norm": (LayerArgument("normalized_shape", "the last sizes of the input must be {}", size_of="input"),),
    "group_norm": (
        LayerArgument("num_groups", "the channels are normalised in {} groups"),
        LayerArgument("num_channels", "the input must have {} channels: its second size", size_of="input"),
    ),
}

KINDS = tuple(
    OperationKind(
        one.function,
        layers=one.layers,
        functions=(one.function,),
        work=lambda _: NOTHING,
        meaning=_MEANINGS[one.over] if one.function != "rms_norm" else None,
        declares=_ARGUMENTS.get(one.function, ()),
    )
    for one in NORMALISATIONS
)
