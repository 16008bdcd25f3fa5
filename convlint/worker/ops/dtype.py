"""Operands have one dtype: the weights of a layer and its input, the factors of a product."""

from __future__ import annotations

from collections.abc import Sequence

import sympy
import torch
from torch import nn

from convlint.worker.ops.call import Call, Check

LAYERS: tuple[type[nn.Module], ...] = (
    *(nn.Linear, nn.Bilinear, nn.MultiheadAttention, nn.GroupNorm, nn.LayerNorm),
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
    *(nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell, nn.GRUCell),
)


def on_floats(check: Check) -> Check:
    """The check of a layer, after one that its input can be multiplied with its weights."""

    def both(call: Call) -> None:
        _check_dtype(call)
        check(call)

    return both


def _check_dtype(call: Call) -> None:
    assert call.layer is not None
    name = next((name for name in ("query", "input1", "input") if name in call.kwargs), "input")
    x = call.tensor(0, name)
    weight = next((one for one in call.layer.parameters(recurse=False) if one.is_floating_point()), None)
    if x is None or weight is None or x.dtype == weight.dtype:
        return
    is_number = x.is_floating_point() or x.is_complex()
    if is_number and casts_by_itself():
        return
    requirement = "mixed_dtype" if is_number else "dtype"
    call.require(requirement, "input.dtype", sympy.false, actual=dtype_name(x), expected=dtype_name(weight))
    call.put(0, name, call.ledger.fresh(tuple(x.shape), x, weight.dtype))


def check_same_dtype(call: Call, places: Sequence[tuple[int, str]]) -> None:
    """Operands of a product have one dtype: torch converts none of them."""
    operands = [(place, x) for place in places if (x := call.tensor(*place)) is not None]
    if len(operands) < 2 or casts_by_itself():
        return
    first = operands[0][1]
    for (index, name), x in operands[1:]:
        if x.dtype != first.dtype:
            facts = {"actual": dtype_name(x), "expected": dtype_name(first)}
            call.require("mixed_dtype", f"inputs[{index}].dtype", sympy.false, **facts)
            call.put(index, name, call.ledger.fresh(tuple(x.shape), x, first.dtype))


def dtype_name(x: torch.Tensor) -> str:
    return str(x.dtype).removeprefix("torch.")


def casts_by_itself() -> bool:
    """Whether autocast is on, on any device: what it casts differs from device to device."""
    return any(torch.is_autocast_enabled(device) for device in ("cpu", "cuda"))
