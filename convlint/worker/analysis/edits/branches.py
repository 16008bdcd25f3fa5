"""Two sides that come to other sizes: a stride, a padding, a shortcut on one of them."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Sequence
from typing import Any

import sympy
from torch import fx, nn

from convlint.facts import Change, Span
from convlint.ops.requirements import requirement_kind
from convlint.ops.window import same_padding
from convlint.worker.analysis.edits.case import Candidate, EditCase, number
from convlint.worker.analysis.edits.expressions import Point, expressions
from convlint.worker.analysis.edits.pair import Operand, example_sizes, pair_of
from convlint.worker.analysis.edits.shortcuts import shortcuts
from convlint.worker.analysis.edits.syntax import (
    SourceExpression,
    argument_of,
    function_around,
    one_line,
    replaced,
    with_keyword,
)
from convlint.worker.analysis.layers import constructor_parameters
from convlint.worker.ops.convolution import CONVOLUTIONS, TRANSPOSED
from convlint.worker.ops.pooling import WINDOWED
from convlint.worker.stack.places import text_lines
from convlint.worker.trace.trail import Requirement


def branches(case: EditCase) -> Iterator[Candidate]:
    """Edits of the layers of one side, or of both, after which the two come to the same sizes."""
    requirement = case.requirement
    if not isinstance(requirement, Requirement) or not requirement_kind(requirement.name).is_of_two_sides:
        return
    pair = pair_of(case)
    if pair is None:
        return
    left, right = pair
    rank = len(left.shape)
    places = [dim for dim in range(2, rank) if left.shape[dim] != right.shape[dim]]
    # Where other images would do, the layers are right, but for a decoder, which is to undo what its encoder does.
    is_of_size = case.finding.violation.sizes is not None and requirement.name != "reconstruction"
    if places and not is_of_size:
        yield from _same_padding(case, pair)
        yield from _usual_windows(case, pair)
        for side, other in ((right, left), (left, right)):
            yield from _windows(case, side, other, places[0])
    if places:
        yield from _padded(pair, places)
    if requirement.name == "broadcast":
        yield from shortcuts(case, pair)


def _same_padding(case: EditCase, pair: tuple[Operand, Operand]) -> Iterator[Candidate]:
    """Kernels of several sizes without padding: each with half of its own."""
    layers = [node.meta["layer"] for side in pair for node in side.layers]
    if len(layers) < 2 or not all(map(_may_be_padded, layers)):
        return
    changes: list[Change] = []
    shown: list[str] = []
    for layer in layers:
        size, made = _half_padding(layer), case.constructor(layer)
        if size is None or made is None:
            return
        if size == 0:
            continue
        found = with_keyword(made, constructor_parameters(type(layer)), "padding", str(size))
        if found is None:
            return
        changes.append(found[0])
        shown.append(f"padding={size}` in `{_name(case, layer)}")
    if len(changes) > 1:
        yield Candidate("window", tuple(changes), "` and `".join(shown), None, 0)


def _may_be_padded(layer: Any) -> bool:
    """Whether it is a convolution with odd kernels and no padding."""
    if not isinstance(layer, CONVOLUTIONS) or layer.padding == "same" or any(layer.padding):
        return False
    return all(size % 2 for size in layer.kernel_size)


def _half_padding(layer: Any) -> int | None:
    """The padding with which a convolution keeps every size; None where its dims need different ones."""
    halves = set(map(same_padding, layer.kernel_size, layer.dilation))
    return halves.pop() if len(halves) == 1 else None


def _name(case: EditCase, layer: nn.Module) -> str:
    return next((path for path, module in case.built.model.named_modules() if module is layer), "")


def _usual_windows(case: EditCase, pair: tuple[Operand, Operand]) -> Iterator[Candidate]:
    """For layers of either side whose windows cut off an edge: a padding or a kernel with which sizes are kept or
    divided. A line that makes several such layers is tried once."""
    seen = set[Span]()
    for node in dict.fromkeys((*pair[1].windowed, *pair[0].windowed)):
        made = case.constructor(node.meta["layer"])
        if made is None or made.span in seen:
            continue
        seen.add(made.span)
        for name, value in _usual_settings(node.meta["layer"]):
            yield from _with_setting(case, node, name, value)


def _usual_settings(layer: Any) -> Iterator[tuple[str, int]]:
    kernel, stride, padding = (_one(getattr(layer, name, None)) for name in ("kernel_size", "stride", "padding"))
    dilation = _one(getattr(layer, "dilation", 1)) or 1
    if kernel is None or stride is None or padding is None or not isinstance(layer, (*CONVOLUTIONS, *WINDOWED)):
        return
    half = same_padding(kernel, dilation)
    if kernel % 2 and padding < half:
        yield "padding", half
    if isinstance(layer, WINDOWED) and kernel > stride > 1 and padding == 0:
        yield "kernel_size", stride


def _windows(case: EditCase, side: Operand, other: Operand, dim: int) -> Iterator[Candidate]:
    """A stride, a padding or an output padding for one layer of this side."""
    here, there = side.shape[dim], other.shape[dim]
    for node in side.layers:
        layer = node.meta["layer"]
        for name, value in _settings(layer, case, here, there):
            yield from _with_setting(case, node, name, value)


def _settings(layer: Any, case: EditCase, here: sympy.Expr, there: sympy.Expr) -> Iterator[tuple[str, int]]:
    """Values of a layer's own arguments that would bring a size from `here` to `there`."""
    sizes = example_sizes(case)
    actual, goal = (int(one.xreplace(sizes)) for one in (here, there))
    stride = _one(layer.stride) if isinstance(layer, (*CONVOLUTIONS, *WINDOWED)) else None
    if stride is not None:
        yield from (("stride", other) for other in _strides(stride, actual, goal))
        yield from (("padding", other) for other in _paddings(layer, stride, goal - actual))
    if isinstance(layer, TRANSPOSED):
        yield from _of_transposed(layer, goal - actual)


def _of_transposed(layer: Any, missing: int) -> Iterator[tuple[str, int]]:
    """What makes the result of a transposed convolution so much larger, or smaller."""
    padding, kernel, stride = (_one(value) for value in (layer.padding, layer.kernel_size, layer.stride))
    if 0 < missing < (stride or 1):
        yield "output_padding", missing
    if padding is not None and missing % 2 == 0 and padding - missing // 2 >= 0:
        yield "padding", padding - missing // 2
    if kernel is not None and kernel + missing > 0:
        yield "kernel_size", kernel + missing


def _strides(stride: int, actual: int, goal: int) -> Iterator[int]:
    """Strides that differ from the given one by the factor between two sizes."""
    if actual > goal > 0:
        factor = round(actual / goal)
        if factor > 1:
            yield factor * stride
    if stride > 1 and goal > actual:
        factor = round(goal / actual)
        if factor > 1 and stride % factor == 0:
            yield stride // factor


def _paddings(layer: Any, stride: int, missing: int) -> Iterator[int]:
    """A padding with which the result is so much larger."""
    padding = _one(layer.padding)
    if padding is not None:
        more = padding + math.ceil(missing * stride / 2)
        if 0 <= more <= _largest_padding(layer) and more != padding:
            yield more


def _largest_padding(layer: Any) -> int:
    """Half of the kernel's span: with more, windows would see nothing but padding."""
    kernel, dilation = _one(layer.kernel_size), _one(getattr(layer, "dilation", 1))
    return same_padding(kernel or 1, dilation or 1) + (0 if isinstance(layer, CONVOLUTIONS) else 1)


def _one(value: Any) -> int | None:
    values = set(value) if isinstance(value, tuple) else {value}
    found = values.pop() if len(values) == 1 else None
    return found if type(found) is int else None


def _with_setting(case: EditCase, node: fx.Node, name: str, value: int) -> Iterator[Candidate]:
    layer = node.meta["layer"]
    made = case.constructor(layer)
    if made is None or not isinstance(made.node, ast.Call):
        return
    scopes = case.built.scopes.get(str(node.target), ())
    names = constructor_parameters(type(layer))
    given = argument_of(made.node, name, names)
    written = _same_value(made, name, scopes[0] if scopes else {}, value) if given is None else [str(value)]
    if given is not None and scopes:
        written = [*expressions([Point(scopes[0], value)], made.part(given).text, ""), *written][:2]
    for text in dict.fromkeys(written):
        found = with_keyword(made, names, name, text)
        if found is not None:
            yield Candidate("window", (found[0],), found[1], made.span, 1)


def _same_value(made: SourceExpression, name: str, scope: Any, value: int) -> list[str]:
    """The value under the name that the constructor has for it, `stride=stride`, and as a number."""
    function = function_around(made.filename, made.node)
    known = [arg.arg for arg in (*function.args.args, *function.args.kwonlyargs)] if function is not None else []
    own = [one for one in known if one == name and scope.get(one) == value]
    return [*own, str(value)]


def _padded(pair: tuple[Operand, Operand], places: Sequence[int]) -> Iterator[Candidate]:
    """The smaller side padded to the size of the other one."""
    left, right = pair
    gaps = _gaps(pair, places)
    if gaps is None or len(left.shape) - 2 != len(places):
        return
    smaller = right if max(gaps) > 0 else left
    if smaller.written is None:
        return
    pads = ", ".join(f"0, {abs(gap)}" for gap in reversed(gaps))
    name = f"{_functional(smaller.written)}.pad"
    text = f"{name}({smaller.written.text}, ({pads}))"
    code = one_line(text, f"{name}(..., ({pads}))")
    yield Candidate("pad", (replaced(smaller.written, text),), code, None, 3)


def _gaps(pair: tuple[Operand, Operand], places: Sequence[int]) -> list[int] | None:
    """By how much the left side is larger in each place; None unless one side lacks at most one row everywhere."""
    left, right = ([number(side.shape[dim]) for dim in places] for side in pair)
    gaps = [a - b for a, b in zip(left, right, strict=True) if a is not None and b is not None]
    is_one_sided = set(gaps) <= {0, 1} or set(gaps) <= {0, -1}
    return gaps if len(gaps) == len(places) and is_one_sided else None


def _functional(part: SourceExpression) -> str:
    """What the file calls torch.nn.functional."""
    lines = {line.strip() for line in text_lines(part.filename)}
    if lines & {"import torch.nn.functional as F", "from torch.nn import functional as F"}:
        return "F"
    return "nn.functional" if lines & {"import torch.nn as nn", "from torch import nn"} else "torch.nn.functional"
