"""Recurrent layers: features, and the shape of the state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy
import torch
from torch import nn

from convlint.worker.ops.call import Call, shape_text
from convlint.worker.ops.op import ROWS, SEQUENCE, Op
from convlint.worker.values.packing import PAD, Packed, pack, unpack
from convlint.worker.values.sizes import Size, equal
from convlint.worker.values.strides import Strides


def _features(call: Call, x: torch.Tensor, declared: int) -> torch.Tensor:
    actual = x.shape[-1]
    if call.require(
        "input_size",
        "input.shape[-1]",
        equal(actual, declared),
        actual=actual,
        expected=declared,
        argument="input_size",
        value=actual,
    ):
        return x
    x = call.resized(x, -1, declared)
    call.put(0, "input", x)
    return x


def _state(call: Call, states: Any, shapes: list[tuple[Size, ...]], operand: str) -> None:
    """Hold a given state against the shapes it must have."""
    given = list(states) if isinstance(states, (tuple, list)) else [states]
    for i, (state, shape) in enumerate(zip(given, shapes, strict=False)):
        if not isinstance(state, torch.Tensor):
            continue
        name = f"{operand}[{i}]" if len(given) > 1 else operand
        facts = {"actual": shape_text(state.shape), "expected": shape_text(shape), "detail": _layers(call)}
        if state.dim() != len(shape):
            call.require("hidden_state", name, sympy.false, **facts)
            continue
        conditions = [equal(a, b) for a, b in zip(state.shape, shape, strict=True)]
        if any(_is_length_for_batch(call, a, b) for a, b in zip(state.shape, shape, strict=True)):
            call.require("sequence_first", name, sympy.false, **facts)
        else:
            call.require("hidden_state", name, sympy.And(*conditions), **facts)


def _layers(call: Call) -> str | None:
    """What the first size of a state is made of."""
    layers = getattr(call.layer, "num_layers", None)
    if layers is None:
        return None
    directions = "both directions" if getattr(call.layer, "bidirectional", False) else "one direction"
    return f"num_layers = {layers}, {directions}"


def _is_length_for_batch(call: Call, actual: Size, expected: Size) -> bool:
    """Whether a layer that takes the sequence first is fed the batch first: one batch would fit, which says nothing."""
    takes_sequence_first = not getattr(call.layer, "batch_first", True)
    is_other = isinstance(expected, int) and expected > 1 and equal(actual, expected) is not sympy.true
    return takes_sequence_first and is_other and call.ledger.is_batch(actual)


def _sequence(call: Call) -> None:
    """`[B, L, F]` (batch_first), `[L, B, F]` or `[L, F]` (torch.nn.RNN, LSTM, GRU).

    The result is written down from the documentation instead of computed: that keeps a symbolic L symbolic.
    """
    layer: Any = call.layer
    packed = call.get(0, "input")
    if isinstance(packed, Packed):
        call.put(0, "input", unpack(packed, layer.batch_first))
    x = call.tensor(0, "input")
    if x is None:
        return
    if x.dim() != 3 and (x.dim() != 2 or isinstance(packed, Packed)):  # packed sequences have a batch
        x = _of_rank_3(call, x, layer)
    x = _features(call, x, layer.input_size)
    sizes = _Sizes.of(layer, x)
    states = call.get(1, "hx")
    is_lstm = isinstance(layer, nn.LSTM)
    if states is not None and is_lstm is not isinstance(states, tuple | list):
        return  # a pair for a layer with one state, or one tensor for an LSTM: torch says what it makes of it
    if states is not None:
        _state(call, states, [sizes.hidden, sizes.cell] if is_lstm else [sizes.hidden], "inputs[1].shape")
    fresh = call.ledger.fresh
    # torch works along the sequence, and turns the result around.
    strides = Strides((1, 0, 2)) if layer.batch_first and x.dim() == 3 else None
    output: Any = fresh(sizes.output, x, strides=strides)
    if isinstance(packed, Packed):
        output = pack(output, packed.lengths, layer.batch_first)
    hidden = fresh(sizes.hidden, x)
    call.result = (output, (hidden, fresh(sizes.cell, x)) if is_lstm else hidden)


def _of_rank_3(call: Call, x: torch.Tensor, layer: Any) -> torch.Tensor:
    """One step of a sequence, in the place of a tensor of another rank."""
    call.require("rank", "input.rank", sympy.false, actual=x.dim(), expected=3)
    call.tainted = True
    batch = x.shape[0] if x.dim() else 1
    return call.ledger.fresh((*((batch, 1) if layer.batch_first else (1, batch)), layer.input_size), x)


@dataclass(frozen=True)
class _Sizes:
    """The shapes of what a recurrent layer gives."""

    output: tuple[Size, ...]
    hidden: tuple[Size, ...]
    cell: tuple[Size, ...]  # of an LSTM

    @classmethod
    def of(cls, layer: Any, x: torch.Tensor) -> _Sizes:
        """With `proj_size` an LSTM makes its output and its hidden state smaller."""
        directions = 2 if layer.bidirectional else 1
        batches = () if x.dim() == 2 else (x.shape[0 if layer.batch_first else 1],)
        projected = getattr(layer, "proj_size", 0) or layer.hidden_size
        stacked = (directions * layer.num_layers, *batches)
        return cls((*x.shape[:-1], directions * projected), (*stacked, projected), (*stacked, layer.hidden_size))


def _cell(call: Call) -> None:
    """`[B, F]` or `[F]`, state `[B, hidden_size]` (torch.nn.RNNCell, LSTMCell, GRUCell)."""
    layer: Any = call.layer
    x = call.tensor(0, "input")
    if x is None:
        return
    if x.dim() not in (1, 2):
        call.require("rank", "input.rank", sympy.false, actual=x.dim(), expected=2)
        x = call.ledger.fresh((x.shape[0] if x.dim() else 1, layer.input_size), x)
        call.tainted = True
    x = _features(call, x, layer.input_size)
    shape = (*x.shape[:-1], layer.hidden_size)
    states = call.get(1, "hx")
    if states is not None and isinstance(layer, nn.LSTMCell) is not isinstance(states, tuple | list):
        return
    if states is not None:
        _state(call, states, [shape, shape], "inputs[1].shape")
    fresh = call.ledger.fresh
    call.result = (fresh(shape, x), fresh(shape, x)) if isinstance(layer, nn.LSTMCell) else fresh(shape, x)


def _repad(call: Call) -> None:
    """Sequences of known lengths are padded to the longest, or to `total_length`; other lengths prove nothing."""
    padded, batch_first, length, is_known = call.args
    before, after = (padded.shape[:1], padded.shape[2:]) if batch_first else ((), padded.shape[1:])
    call.result = call.ledger.fresh((*before, length if is_known else call.ledger.unknown(length), *after), padded)


OPS = (
    Op(layers=(nn.RNN, nn.LSTM, nn.GRU), check=_sequence, axes=SEQUENCE, has_weights=True),
    Op(layers=(nn.RNNCell, nn.LSTMCell, nn.GRUCell), check=_cell, axes=ROWS, has_weights=True),
    Op(functions=(PAD,), check=_repad),
)
