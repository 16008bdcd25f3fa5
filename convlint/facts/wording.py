"""Runs and their results in words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from convlint.facts import Array, RunCall, Scenario

_MOST = 4  # tensors of one result that are shown


def scenario_text(scenario: Scenario, *, mode: bool = True) -> str:
    """`batch 2, H = W = 224, training mode`."""
    sizes = [(name, size) for name, size in scenario.sizes.items() if name != "B"]
    groups = groupby(sorted(sizes, key=lambda one: (one[1], one[0])), key=lambda one: one[1])
    parts = [f"batch {scenario.batch}"] if scenario.batch is not None else []
    parts += [" = ".join([*(name for name, _ in group), str(size)]) for size, group in groups]
    modes = ["training mode" if scenario.training else "eval mode"] if mode else []
    return ", ".join([*parts, *modes])


def call_title(call: RunCall) -> str:
    """A call as a reader knows it: the layer's path, or the function's name."""
    return call.layer or call.target.replace("torch.nn.functional.", "F.").replace("torch.Tensor.", ".")


def shown(arrays: Sequence[Array], kind: str = "shape") -> str:
    """`[2, 64, 12, 12] float32`, with its device or with how it is in memory where that is what matters."""
    if not arrays:
        return "no tensor"
    texts = [_array(one, kind) for one in arrays[:_MOST]]
    return ", ".join([*texts, *(["..."] if len(arrays) > _MOST else [])])


def _array(array: Array, kind: str) -> str:
    sizes = ", ".join("?" if size is None else str(size) for size in array.shape)
    text = f"[{sizes}] {array.dtype or ''}".rstrip()
    if kind == "device":
        return f"{text} on {array.device}"
    return f"{text} {_layout(array)}" if kind == "layout" else text


def _layout(array: Array) -> str:
    if array.contiguous and array.channels_last:
        return "contiguous and channels last"
    return "contiguous" if array.contiguous else "channels last" if array.channels_last else "strided"
