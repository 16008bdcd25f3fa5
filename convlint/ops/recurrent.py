"""Recurrent layers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from convlint.ops.argument import LayerArgument
from convlint.ops.expression import count
from convlint.ops.kind import Numbers, OperationKind
from convlint.ops.operation import Operation
from convlint.ops.work import UNKNOWN, Work, grouped_times, joined, plain

_GATES: Final = {"LSTM": 4, "GRU": 3}


def _recurrent(operation: Operation, _: Numbers) -> Iterator[tuple[int, str]]:
    hidden = operation.number("proj_size") or operation.number("hidden_size")
    if hidden is not None and operation.options.get("bidirectional"):
        yield -1, f"{hidden} * 2"


def _work(operation: Operation) -> Work:
    """Every matrix of weights is used once for each step of each sequence."""
    matrices = [shape for shape in operation.layer.weights.values() if len(shape) == 2] if operation.layer else []
    if not matrices:
        return UNKNOWN
    steps = operation.inputs[0][:-1]
    terms = " + ".join(grouped_times(matrices.count(shape), shape) for shape in dict.fromkeys(matrices))
    return Work(count(steps) * sum(map(math.prod, matrices)), joined([f"({terms})", plain(steps)]))


def _meaning(operation: Operation) -> str | None:
    inside, hidden = operation.number("input_size"), operation.number("hidden_size")
    if inside is None or hidden is None:
        return None
    ways = ", once forwards and once backwards" if operation.options.get("bidirectional") else ""
    gates = _GATES.get(operation.layer.type.rpartition(".")[2][:4].removesuffix("C"), 1) if operation.layer else 1
    rows = f"; {gates} gates of {hidden}: {gates} * {hidden} = {gates * hidden} rows of weights" if gates > 1 else ""
    return f"reads the sequence step by step{ways}: {inside} numbers a step, with a memory of {hidden}{rows}"


_ARGUMENTS = (
    LayerArgument("input_size", "the last size of the input must be {}", size_of="input"),
    LayerArgument("hidden_size", "the memory has {} numbers", size_of="result"),
    LayerArgument("num_layers", "{} layers on top of each other"),
    LayerArgument("bidirectional", "whether the sequence is read backwards as well, which doubles the last size"),
    LayerArgument("batch_first", "whether the batch is the first size of the input, else the sequence"),
    LayerArgument("proj_size", "the memory is projected to {} numbers", usual=0),
)

KINDS = (
    OperationKind(
        "recurrent",
        layers=("LSTM", "GRU", "RNN"),
        law=_recurrent,
        work=_work,
        meaning=_meaning,
        declares=_ARGUMENTS,
    ),
    OperationKind("recurrent_cell", layers=("LSTMCell", "GRUCell", "RNNCell"), work=_work),
)
