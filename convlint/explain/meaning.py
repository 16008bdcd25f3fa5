"""What an operation does, in a plain sentence."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from convlint.explain.counts import weight_of
from convlint.explain.operation import Operation

_BATCH: Final = "brings each channel to mean 0 and variance 1 over the batch, then scales and shifts it"
_FEATURES: Final = "brings the features of each place to mean 0 and variance 1, then scales and shifts them"
_GROUPS: Final = "brings groups of channels to mean 0 and variance 1, then scales and shifts them"
_DROPS: Final = "sets some numbers to 0 while training"
_GATES: Final = {"LSTM": 4, "GRU": 3}
_SAID: Final = {
    **dict.fromkeys(["batchnorm1d", "batchnorm2d", "batchnorm3d", "syncbatchnorm", "batch_norm"], _BATCH),
    **dict.fromkeys(["layernorm", "layer_norm"], _FEATURES),
    **dict.fromkeys(["groupnorm", "group_norm"], _GROUPS),
    **dict.fromkeys(["dropout", "dropout1d", "dropout2d", "dropout3d", "alphadropout"], _DROPS),
}


def meaning(operation: Operation) -> str | None:
    """What an operation does, in a sentence; None where its name says all that is known."""
    say = _MEANINGS.get(operation.kind)
    return _SAID.get(operation.kind) if say is None else say(operation)


def kernel_text(sizes: tuple[int, ...]) -> str:
    """`5x5`; in one dimension `of size 5`."""
    return "x".join(map(str, sizes))


def _convolution(operation: Operation) -> str | None:
    weight, kernel = weight_of(operation), operation.numbers("kernel_size")
    if weight is None or kernel is None:
        return None
    inside, outside = operation.number("in_channels"), operation.number("out_channels")
    groups = operation.number("groups") or 1
    own = f"{'its own' if inside == groups else 'each with its own'} {_window(kernel)}"
    if inside == groups == outside and groups > 1:
        does = f"each of the {inside} channels has {own} and is not mixed with the others"
    elif inside == groups and groups > 1:
        does = f"each of the {outside} output channels looks at one input channel, with its own {_window(kernel)}"
    else:
        summed = _counted((inside or 0) // groups, "input channel")
        where = f" of its group (there are {groups} groups)" if groups > 1 else ""
        outputs = f"each of the {outside} output channels" if outside != 1 else "the one output channel"
        does = f"{outputs} sums over {summed}{where}, each with its own {_window(kernel)}"
        does = does.replace("1 input channel, each with", "1 input channel with")
    return f"{does}: weight {list(weight)}, {math.prod(weight)} weights"


def _window(kernel: tuple[int, ...]) -> str:
    return f"kernel of size {kernel[0]}" if len(kernel) == 1 else f"{kernel_text(kernel)} kernel"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _transposed(operation: Operation) -> str | None:
    weight, kernel = weight_of(operation), operation.numbers("kernel_size")
    if weight is None or kernel is None:
        return None
    outputs = _counted(weight[1], "output channel")
    does = f"each pixel of the {weight[0]} input channels is spread over a {kernel_text(kernel)} window of {outputs}"
    return f"{does}: weight {list(weight)}, {math.prod(weight)} weights"


def _linear(operation: Operation) -> str | None:
    inside, outside = operation.number("in_features"), operation.number("out_features")
    if inside is None or outside is None:
        return None
    outputs = f"each of the {outside} outputs" if outside != 1 else "the one output"
    return f"{outputs} sums over all {inside} inputs, each with its own weight; only the last size changes"


def _pool(operation: Operation) -> str | None:
    kernel = operation.numbers("kernel_size")
    if kernel is None:
        return None
    what = {"max_pool": "the largest number", "avg_pool": "the mean"}.get(operation.kind, "the norm")
    return f"keeps {what} of each window of {kernel_text(kernel)}, in each channel for itself"


def _adaptive(operation: Operation) -> str | None:
    sizes = operation.outputs[0][-operation.spatial :] if operation.outputs else ()
    return f"gives {'x'.join(map(str, sizes))} for every size that comes in" if sizes else None


def _embedding(operation: Operation) -> str | None:
    rows, width = operation.number("num_embeddings"), operation.number("embedding_dim")
    if rows is None or width is None:
        return None
    return f"looks up each whole number in a table of {rows} rows: {width} numbers for one"


def _recurrent(operation: Operation) -> str | None:
    inside, hidden = operation.number("input_size"), operation.number("hidden_size")
    if inside is None or hidden is None:
        return None
    ways = ", once forwards and once backwards" if operation.options.get("bidirectional") else ""
    gates = _GATES.get(operation.layer.type.rpartition(".")[2][:4].removesuffix("C"), 1) if operation.layer else 1
    rows = f"; {gates} gates of {hidden}: {gates} * {hidden} = {gates * hidden} rows of weights" if gates > 1 else ""
    return f"reads the sequence step by step{ways}: {inside} numbers a step, with a memory of {hidden}{rows}"


def _attention(operation: Operation) -> str | None:
    heads, width = operation.number("num_heads"), operation.number("embed_dim")
    if not heads or width is None:
        return None
    return f"{heads} heads share the {width} features: {width} / {heads} = {width / heads:g} for each"


def _concatenation(operation: Operation) -> str | None:
    return f"puts {len(operation.inputs)} tensors one behind the other"


_MEANINGS: Mapping[str, Callable[[Operation], str | None]] = {
    "conv": _convolution,
    "conv_transpose": _transposed,
    "linear": _linear,
    "max_pool": _pool,
    "avg_pool": _pool,
    "lp_pool": _pool,
    "adaptive_pool": _adaptive,
    "embedding": _embedding,
    "recurrent": _recurrent,
    "attention": _attention,
    "cat": _concatenation,
}
