"""Where each size of an output comes from: one law for each kind of operation, with its numbers put in.

The laws are those of the PyTorch documentation. Each is worked out again and held against the size that the trace
gave; one that does not agree is not told.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from convlint.explain.expression import Values, operand, symbols, work_out
from convlint.explain.operation import Operation, Shape
from convlint.explain.reshapes import equation, regrouped
from convlint.explain.windows import slid, spread
from convlint.facts import Dim
from convlint.ops.window import Window


@dataclass(frozen=True, slots=True)
class Formula:
    name: str  # what it gives: "height and width", "parameters"
    text: str  # "(28 + 2*2 - 5)//1 + 1 = 28"


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers for a model's symbols."""

    samples: tuple[Values, ...]  # sizes at which laws are held against the trace
    example: Values  # the smallest sizes that work, where these are few


Law = Callable[[Operation, Numbers], Iterator[tuple[int, str]]]
"""Gives the index of a size in the output, counted from the end, and the text that works it out."""


def sizes(operation: Operation, numbers: Numbers) -> tuple[Formula, ...]:
    """The formulas of an operation's output, those of the same text together."""
    if operation.kind == "reshape":
        return _reshaped(operation, numbers)
    law = _LAWS.get(operation.kind)
    if law is None or not operation.inputs or not operation.outputs:
        return ()
    output = operation.outputs[0]
    found: dict[str, list[str]] = {}
    for index, text in law(operation, numbers):
        if _agrees(text, output[index], numbers):
            line = f"{text} = {output[index]}{_at_example(text, output[index], numbers)}"
            found.setdefault(line, []).append(_name(index, output, law in _OVER_PIXELS))
    return _merged([Formula(listed(names), line) for line, names in found.items()])


def _merged(formulas: Sequence[Formula]) -> tuple[Formula, ...]:
    """Height and width as one where they differ in nothing but H and W."""
    if len(formulas) == 2 and re.sub(r"\bH\b", "W", formulas[0].text) == formulas[1].text:
        return (Formula(formulas[0].name, f"{formulas[0].text}, and the {formulas[1].name} alike"),)
    return tuple(formulas)


def _agrees(text: str, size: Dim, numbers: Numbers) -> bool:
    """Whether a text gives the size that was traced."""
    worked_out = [(work_out(text, values), work_out(size, values)) for values in numbers.samples]
    return all(one is not None and one == other for one, other in worked_out)


def _at_example(text: str, size: Dim, numbers: Numbers) -> str:
    """` (12 for H = 28)` behind a formula in symbols."""
    used = sorted(symbols(text) & set(numbers.example))
    known = work_out(size, numbers.example)
    if not used or known is None:
        return ""
    return f" ({known} for {_given(used, numbers)})"


def _given(names: Sequence[str], numbers: Numbers) -> str:
    return ", ".join(f"{name} = {numbers.example[name]}" for name in names)


def _name(index: int, shape: Shape, over_pixels: bool) -> str:
    """What the size at this index, counted from the end, is called."""
    rank = len(shape)
    if rank >= 4 and index == 1 - rank:
        return "channels"
    names = _PIXELS.get(rank, ()) if over_pixels else ()
    if -index <= len(names):
        return names[index]
    return "features" if index == -1 else f"size {rank + index + 1} of {rank}"


def listed(names: Sequence[str]) -> str:
    """`depth, height and width`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _spatial(operation: Operation) -> Iterator[tuple[int, Dim]]:
    """The sizes that windows move over, counted from the end."""
    shape = operation.inputs[0]
    count = min(operation.spatial, len(shape))
    return ((index, shape[index]) for index in range(-count, 0))


def windows(operation: Operation) -> tuple[Window, ...]:
    """How the windows of a convolution or pooling move, one for each size; none where it cannot be told."""
    padding = operation.options.get("padding", 0)
    kernel = operation.numbers("kernel_size")
    paddings = (0,) * operation.spatial if isinstance(padding, str) else operation.numbers("padding", 0)
    pools = operation.kind.endswith("_pool")
    strides = operation.numbers("stride") or (kernel if pools else (1,) * operation.spatial)
    dilations = operation.numbers("dilation", 1)
    if kernel is None or strides is None or paddings is None or dilations is None or padding == "same":
        return ()
    ceil_mode = operation.options.get("ceil_mode") is True
    return tuple(
        Window(*numbers, ceil_mode=ceil_mode) for numbers in zip(kernel, strides, paddings, dilations, strict=True)
    )


def _windowed(operation: Operation, numbers: Numbers) -> Iterator[tuple[int, str]]:
    for (index, size), window in zip(_spatial(operation), windows(operation), strict=False):
        yield index, slid(size, window, example=numbers.example)


def _transposed(operation: Operation, _: Numbers) -> Iterator[tuple[int, str]]:
    extra = operation.numbers("output_padding", 0) or (0,) * operation.spatial
    for (index, size), window, more in zip(_spatial(operation), windows(operation), extra, strict=False):
        yield index, spread(size, window, more)


def _interpolated(operation: Operation, _: Numbers) -> Iterator[tuple[int, str]]:
    shape, factor = operation.inputs[0], operation.options.get("scale_factor")
    factors = factor if isinstance(factor, tuple) else (factor,) * (len(shape) - 2)
    for index, scale in zip(range(-len(factors), 0), factors, strict=True):
        if isinstance(scale, (int, float)) and -index <= len(shape):
            whole = float(scale).is_integer()
            yield index, f"{operand(shape[index])} * {int(scale)}" if whole else f"floor({shape[index]} * {scale})"


def _shuffled(operation: Operation, _: Numbers) -> Iterator[tuple[int, str]]:
    factor, shape = operation.number("upscale_factor"), operation.inputs[0]
    if factor is not None and len(shape) >= 3:
        yield -3, f"{operand(shape[-3])} // ({factor}*{factor})"
        yield from ((index, f"{operand(shape[index])} * {factor}") for index in (-2, -1))


def _unshuffled(operation: Operation, _: Numbers) -> Iterator[tuple[int, str]]:
    factor, shape = operation.number("downscale_factor"), operation.inputs[0]
    if factor is not None and len(shape) >= 3:
        yield -3, f"{operand(shape[-3])} * {factor}*{factor}"
        yield from ((index, f"{operand(shape[index])} // {factor}") for index in (-2, -1))


def _padded(operation: Operation, _: Numbers) -> Iterator[tuple[int, str]]:
    pads, shape = operation.options.get("pad", operation.options.get("padding")), operation.inputs[0]
    if not isinstance(pads, tuple):
        pads = (pads,) * (2 * operation.spatial)
    for place in range(len(pads) // 2):
        index = -1 - place
        if -index <= len(shape) and any(pads[2 * place : 2 * place + 2]):
            yield index, f"{operand(shape[index])} + {pads[2 * place]} + {pads[2 * place + 1]}".replace("+ -", "- ")


def _concatenated(operation: Operation, _: Numbers) -> Iterator[tuple[int, str]]:
    rank = len(operation.outputs[0])
    given = operation.number("dim") or 0
    index = given if given < 0 else given - rank
    if len(operation.inputs) > 1 and -rank <= index < 0 and all(len(shape) == rank for shape in operation.inputs):
        yield index, " + ".join(operand(shape[index]) for shape in operation.inputs)


def _recurrent(operation: Operation, _: Numbers) -> Iterator[tuple[int, str]]:
    hidden = operation.number("proj_size") or operation.number("hidden_size")
    if hidden is not None and operation.options.get("bidirectional"):
        yield -1, f"{hidden} * 2"


def _attention(operation: Operation, _: Numbers) -> Iterator[tuple[int, str]]:
    heads, width = operation.number("num_heads"), operation.number("embed_dim")
    if heads and width and width % heads == 0:
        yield -1, f"{heads} * {width // heads}"


def _unfolded(operation: Operation, _: Numbers) -> Iterator[tuple[int, str]]:
    kernel, shape = operation.options.get("kernel_size"), operation.inputs[0]
    kernels = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    if len(shape) >= 3 and all(isinstance(size, int) for size in kernels):
        yield -2, f"{operand(shape[-3])} * {' * '.join(map(str, kernels))}"


def _reshaped(operation: Operation, numbers: Numbers) -> tuple[Formula, ...]:
    if len(operation.inputs) != 1 or len(operation.outputs) != 1:
        return ()
    found: list[Formula] = []
    for group in regrouped(operation.inputs[0], operation.outputs[0], numbers.samples):
        before, after = group
        line = equation(group)
        used = sorted(symbols(line.replace("=", "+")) & set(numbers.example))
        known = [work_out(size, numbers.example) for size in before]
        if used and all(number is not None for number in known):
            product = math.prod(number for number in known if number is not None)
            line += f" ({' * '.join(map(str, known))} = {product} for {_given(used, numbers)})"
        found.append(Formula("joined" if len(after) == 1 else "split" if len(before) == 1 else "regrouped", line))
    return tuple(found)


_PIXELS: Final = {3: ("length",), 4: ("height", "width"), 5: ("depth", "height", "width")}
_OVER_PIXELS: Final = (_windowed, _transposed, _interpolated, _shuffled, _unshuffled, _padded)
_LAWS: Mapping[str, Law] = {
    "conv": _windowed,
    "max_pool": _windowed,
    "avg_pool": _windowed,
    "lp_pool": _windowed,
    "conv_transpose": _transposed,
    "interpolate": _interpolated,
    "upsample": _interpolated,
    "pixel_shuffle": _shuffled,
    "pixel_unshuffle": _unshuffled,
    "pad": _padded,
    "cat": _concatenated,
    "recurrent": _recurrent,
    "attention": _attention,
    "unfold": _unfolded,
}
