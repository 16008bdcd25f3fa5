"""Recurrent layers on fake tensors by the shapes that torch documents: it would follow them step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from convlint.worker.torch_private.fake import FakeTensor
from convlint.worker.values.packing import Packed, pack, unpack

FUNCTIONS = frozenset(f"torch.{name}" for name in ("lstm", "gru", "rnn_tanh", "rnn_relu"))


def by_shape(name: str, args: tuple[Any, ...]) -> Any:
    """What `torch.lstm(x, hx, weights, bias, layers, dropout, train, bidirectional, batch_first)` gives; None for a
    call of another form."""
    x = args[0] if args else None
    if len(args) != 9 or not isinstance(x, FakeTensor) or not isinstance(args[2], list) or x.dim() != 3:
        return None
    states = args[1] if isinstance(args[1], tuple | list) else (args[1],)
    if not all(isinstance(state, torch.Tensor) for state in states):
        return None
    directions = 2 if args[7] else 1
    first, second = (x.shape[0], x.shape[1])
    output = x.new_empty((first, second, directions * states[0].shape[-1]))
    last = [state.new_empty(state.shape) for state in states]
    return (output, *last) if name == "torch.lstm" else (output, last[0])


def of_packed(original: Callable[..., Any], module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A recurrent layer on a pack, by way of the padded tensor that it was made of; None for any other call."""
    if not isinstance(module, nn.LSTM | nn.GRU | nn.RNN) or not args or not isinstance(args[0], Packed):
        return None
    packed = args[0]
    output, state = original(module, unpack(packed, module.batch_first), *args[1:], **kwargs)
    return pack(output, packed.lengths, module.batch_first), state
