"""Layers with weights compute with floats: indices and masks are none."""

from __future__ import annotations

import sympy
from torch import nn

from convlint.worker.call import Call, Check

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
    if x is None or weight is None or x.is_floating_point() or x.is_complex():
        return
    came, needed = (str(dtype).removeprefix("torch.") for dtype in (x.dtype, weight.dtype))
    call.need("dtype", "input.dtype", sympy.false, came=came, needed=needed)
    call.put(0, name, call.ledger.fresh(tuple(x.shape), x, weight.dtype))
