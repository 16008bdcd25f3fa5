"""Attention."""

from __future__ import annotations

from collections.abc import Iterator

from convlint.ops.argument import LayerArgument
from convlint.ops.expression import count
from convlint.ops.kind import Numbers, OperationKind
from convlint.ops.operation import Operation, Shape
from convlint.ops.work import UNKNOWN, Work, plain


def _attention(operation: Operation, _: Numbers) -> Iterator[tuple[int, str]]:
    heads, width = operation.number("num_heads"), operation.number("embed_dim")
    if heads and width and width % heads == 0:
        yield -1, f"{heads} * {width // heads}"


def _work(operation: Operation) -> Work:
    """The three projections, the scores of each pair of places, their weighted sums, and the last projection."""
    if operation.layer is None or len(operation.inputs) < 3:
        return UNKNOWN
    options = operation.layer.attributes
    width, keys, values = (options.get(name) for name in ("embed_dim", "kdim", "vdim"))
    if not (isinstance(width, int) and isinstance(keys, int) and isinstance(values, int)):
        return UNKNOWN
    query, key, _ = operation.inputs[:3]
    first = 1 if len(query) == 3 and options.get("batch_first") is True else 0
    others = [size for i, size in enumerate(query[:-1]) if i != first]
    length, source = query[first], key[first]
    total = count([length, *others]) * (2 * width * width)
    total += count([source, *others]) * ((keys + values) * width)
    total += count([length, source, *others]) * (2 * width)
    projections = f"2*{length}*{width}*{width} + {source}*({keys} + {values})*{width}"
    text = f"{projections} + 2*{length}*{source}*{width}"
    return Work(total, f"({text}) * {plain(others)}" if plain(others) else text)


def _scaled_attention(operation: Operation) -> Work:
    if len(operation.inputs) < 3:
        return UNKNOWN
    query, key, value = operation.inputs[:3]
    pairs: Shape = (*query[:-1], key[-2])
    total = count([*pairs, query[-1]]) + count([*pairs, value[-1]])
    return Work(total, f"{plain(pairs)} * ({query[-1]} + {value[-1]})")


def _meaning(operation: Operation) -> str | None:
    heads, width = operation.number("num_heads"), operation.number("embed_dim")
    if not heads or width is None:
        return None
    return f"{heads} heads share the {width} features: {width} / {heads} = {width / heads:g} for each"


_ARGUMENTS = (
    LayerArgument("embed_dim", "the last size of the query must be {}", size_of="result"),
    LayerArgument("num_heads", "{} heads share the features; embed_dim must divide by {}"),
    LayerArgument("kdim", "the last size of the key must be {}", size_of="input"),
    LayerArgument("vdim", "the last size of the value must be {}", size_of="input"),
    LayerArgument("d_model", size_of="input"),  # of the layers of a Transformer
)

KINDS = (
    OperationKind(
        "attention",
        layers=("MultiheadAttention",),
        law=_attention,
        work=_work,
        meaning=_meaning,
        declares=_ARGUMENTS,
    ),
    OperationKind("scaled_dot_product_attention", functions=("scaled_dot_product_attention",), work=_scaled_attention),
    OperationKind("multi_head_attention_forward", functions=("multi_head_attention_forward",), work=lambda _: UNKNOWN),
)
