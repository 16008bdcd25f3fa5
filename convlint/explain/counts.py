"""How many parameters a layer has and how many multiply-adds it takes, and where these numbers come from.

A multiply-add is one product added to a sum: half of what `torch.utils.flop_counter` calls flops. Counted are
convolutions, linear and recurrent layers, attention and matrix products, for one sample: the batch `B` as 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from convlint.explain.expression import Count, count, operand
from convlint.explain.operation import Operation, Shape
from convlint.facts import Dim, Layer


@dataclass(frozen=True, slots=True)
class Work:
    """Multiply-adds, and how they are reckoned; `total` is None where that is not known."""

    total: Count | None
    text: str = ""  # "32*1*3*3 * 26*26"


NOTHING = Work(Count())
UNKNOWN = Work(None)


def parameters_text(layer: Layer) -> str | None:
    """`4*2*2*2 + 4 = 36`: the weights of each shape."""
    shapes = list(layer.weights.values())
    if not shapes or sum(map(math.prod, shapes)) != layer.parameters:
        return None
    if len(shapes) <= 4:
        terms = ["*".join(map(str, shape)) for shape in shapes]
    else:
        terms = [_times(shapes.count(shape), shape) for shape in dict.fromkeys(shapes)]
    return f"{' + '.join(terms)} = {layer.parameters}"


def _times(number: int, shape: tuple[int, ...]) -> str:
    product = "*".join(map(str, shape))
    return product if number == 1 else f"{number}*{product}" if len(shape) == 1 else f"{number}*({product})"


def weight_of(operation: Operation) -> tuple[int, ...] | None:
    """The shape of a convolution's weight, as its arguments give it."""
    inside, outside = operation.number("in_channels"), operation.number("out_channels")
    groups, kernel = operation.number("groups") or 1, operation.numbers("kernel_size")
    if inside is None or outside is None or kernel is None:
        return None
    if operation.kind == "conv_transpose":
        return inside, outside // groups, *kernel
    return outside, inside // groups, *kernel


def work(operation: Operation) -> Work:
    """The multiply-adds of an operation for one sample."""
    reckon = _WORK.get(operation.kind)
    if reckon is None:
        matrices = operation.layer is not None and any(len(w) > 1 for w in operation.layer.weights.values())
        return UNKNOWN if matrices or operation.kind in _UNCOUNTED else NOTHING
    return reckon(operation)


def _convolved(operation: Operation) -> Work:
    weight = weight_of(operation)
    # Each weight is used once for each pixel: of the output, or of the input where the convolution is transposed.
    image = operation.inputs[0] if operation.kind == "conv_transpose" else operation.outputs[0]
    if weight is None or len(image) < operation.spatial:
        return UNKNOWN
    pixels = image[-operation.spatial :]
    return _product(weight, image[: -operation.spatial - 1], pixels)


def _linear(operation: Operation) -> Work:
    if operation.layer is not None:
        inside, outside = operation.number("in_features"), operation.number("out_features")
        weight: Shape = () if inside is None or outside is None else (inside, outside)
    else:
        weight = tuple(reversed(operation.inputs[1])) if len(operation.inputs) > 1 else ()
    return _product(weight, operation.outputs[0][:-1]) if len(weight) == 2 else UNKNOWN


def _bilinear(operation: Operation) -> Work:
    weight = operation.layer.weights.get("weight") if operation.layer is not None else None
    return _product(weight, operation.outputs[0][:-1]) if weight else UNKNOWN


def _recurrent(operation: Operation) -> Work:
    """Every matrix of weights is used once for each step of each sequence."""
    matrices = [shape for shape in operation.layer.weights.values() if len(shape) == 2] if operation.layer else []
    if not matrices:
        return UNKNOWN
    steps = operation.inputs[0][:-1]
    terms = " + ".join(_times(matrices.count(shape), shape) for shape in dict.fromkeys(matrices))
    return Work(count(steps) * sum(map(math.prod, matrices)), _joined([f"({terms})", _plain(steps)]))


def _attention(operation: Operation) -> Work:
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
    return Work(total, f"({text}) * {_plain(others)}" if _plain(others) else text)


def _scaled_attention(operation: Operation) -> Work:
    if len(operation.inputs) < 3:
        return UNKNOWN
    query, key, value = operation.inputs[:3]
    pairs: Shape = (*query[:-1], key[-2])
    total = count([*pairs, query[-1]]) + count([*pairs, value[-1]])
    return Work(total, f"{_plain(pairs)} * ({query[-1]} + {value[-1]})")


def _matrix_product(operation: Operation) -> Work:
    if len(operation.inputs) != 2 or not operation.inputs[0] or not operation.outputs:
        return UNKNOWN
    return _product((operation.inputs[0][-1],), operation.outputs[0])


def _added_product(operation: Operation) -> Work:
    if len(operation.inputs) != 3 or not operation.inputs[1]:
        return UNKNOWN
    shared: Shape = (operation.inputs[1][0],) if operation.kind == "addbmm" else ()
    return _product((operation.inputs[1][-1], *shared), operation.outputs[0])


def _summed(operation: Operation) -> Work:
    """einsum of two tensors: a product for each combination of the letters that are left in them."""
    text = operation.options.get("equation")
    if not isinstance(text, str) or "." in text or len(operation.inputs) != 2:
        return UNKNOWN
    given, arrow, result = text.replace(" ", "").partition("->")
    parts = given.split(",")
    sizes = _sizes_of_letters(parts, operation.inputs)
    if not arrow or sizes is None:
        return UNKNOWN
    first, second = parts
    kept = [letter for letter in sizes if letter in result or (letter in first and letter in second)]
    return _product(tuple(sizes[letter] for letter in kept))


def _sizes_of_letters(parts: Sequence[str], shapes: Sequence[Shape]) -> dict[str, Dim] | None:
    """The size that each letter of an equation stands for; None where the letters are not those of the shapes."""
    if [len(letters) for letters in parts] != [len(shape) for shape in shapes]:
        return None
    sizes: dict[str, Dim] = {}
    for letters, shape in zip(parts, shapes, strict=True):
        for letter, size in zip(letters, shape, strict=True):
            sizes[letter] = size if sizes.get(letter, 1) == 1 else sizes[letter]  # a size of 1 is broadcast
    return sizes


def _product(*shapes: Sequence[Dim]) -> Work:
    total = count(size for shape in shapes for size in shape)
    return Work(total, _joined([_plain(shape) for shape in shapes]))


def _joined(parts: Sequence[str]) -> str:
    return " * ".join(part for part in parts if part)


def _plain(shape: Sequence[Dim]) -> str:
    """`26*26`, the batch left out."""
    return "*".join(operand(size) for size in shape if size != "B")


_WORK: Mapping[str, Callable[[Operation], Work]] = {
    "conv": _convolved,
    "conv_transpose": _convolved,
    "linear": _linear,
    "bilinear": _bilinear,
    "recurrent": _recurrent,
    "recurrent_cell": _recurrent,
    "attention": _attention,
    "scaled_dot_product_attention": _scaled_attention,
    "matmul": _matrix_product,
    "addmm": _added_product,
    "addmv": _added_product,
    "baddbmm": _added_product,
    "addbmm": _added_product,
    "einsum": _summed,
    "embedding": lambda _: NOTHING,
    "layernorm": lambda _: NOTHING,
    "rmsnorm": lambda _: NOTHING,
}
_UNCOUNTED = frozenset(
    {"tensordot", "chain_matmul", "multi_dot", "multi_head_attention_forward", "cdist", "inner", "outer", "kron"}
    | {"__rmatmul__", "conv_tbc", "einsum"}
)
