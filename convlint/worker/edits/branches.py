"""Two sides that come to other sizes: a stride, a padding, a shortcut on one of them."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from torch import fx, nn

from convlint.facts import Change
from convlint.ops.requirements import kind_of
from convlint.ops.window import same_padding
from convlint.worker.edits.case import Candidate, Case, layers_behind, number
from convlint.worker.edits.expressions import Point, expressions
from convlint.worker.edits.operands import operand_expressions
from convlint.worker.edits.syntax import (
    Written,
    argument_of,
    function_around,
    inserted,
    one_line,
    replaced,
    text_at,
    with_keyword,
)
from convlint.worker.layers import constructor_parameters
from convlint.worker.places import expression_span, source_of, text_lines
from convlint.worker.tracing.nodes import ancestors
from convlint.worker.trail import Need

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
_NEAREST = 4
"""Layers of one side that are looked at."""


@dataclass(frozen=True)
class Side:
    """One operand: its sizes, and the layers that it alone is made of, the nearest first."""

    shape: tuple[sympy.Expr, ...]
    layers: tuple[fx.Node, ...]
    written: Written | None


def branches(case: Case) -> Iterator[Candidate]:
    """Edits of the layers of one side, or of both, after which the two come to the same sizes."""
    need = case.need
    if not isinstance(need, Need) or not kind_of(need.name).is_of_two_sides:
        return
    pair = _sides(case)
    if pair is None:
        return
    left, right = pair
    rank = len(left.shape)
    places = [dim for dim in range(2, rank) if left.shape[dim] != right.shape[dim]]
    is_of_size = case.finding.unmet.sizes is not None  # other images would do, so the layers are right
    if places and not is_of_size:
        yield from _same_padding(case, pair)
        for side, other in ((right, left), (left, right)):
            yield from _windows(case, side, other, places[0])
    if places:
        yield from _padded(pair, places)
    if need.name == "broadcast":
        yield from _shortcuts(case, pair)


def _sides(case: Case) -> tuple[Side, Side] | None:
    """The two operands that differ, where both have channels and places."""
    given = [node for node in case.node.all_input_nodes if node.meta.get("outputs")]
    if len(given) < 2:
        return None
    steps = case.finding.unmet.operand
    index = int(steps[len("inputs[")]) if steps.startswith("inputs[") and steps[7].isdigit() else 1
    index = index if index < len(given) else 1
    nodes = (given[0], given[index])
    shapes = [node.meta["outputs"][0].formulas for node in nodes]
    if len(shapes[0]) != len(shapes[1]) or len(shapes[0]) < 3:
        return None
    parts = operand_expressions(case)
    written = [parts[0], parts[index]] if len(parts) == len(given) else [None, None]
    behind = [set(ancestors(node)) for node in nodes]
    own = [
        tuple(one for one in layers_behind(node) if one not in behind[1 - i])[:_NEAREST] for i, node in enumerate(nodes)
    ]
    first, second = (Side(shapes[i], own[i], written[i]) for i in range(2))
    return first, second


def _same_padding(case: Case, pair: tuple[Side, Side]) -> Iterator[Candidate]:
    """Kernels of several sizes without padding: each with half of its own."""
    layers = [node.meta["layer"] for side in pair for node in side.layers]
    if len(layers) < 2 or not all(isinstance(layer, _CONVOLUTIONS) for layer in layers):
        return
    if any(layer.padding == "same" or any(layer.padding) for layer in layers):
        return
    if not all(size % 2 for layer in layers for size in layer.kernel_size):
        return
    changes: list[Change] = []
    shown: list[str] = []
    for layer in layers:
        half = set(map(same_padding, layer.kernel_size, layer.dilation))
        made = case.constructor(layer)
        if len(half) != 1 or made is None:
            return
        size = half.pop()
        if size == 0:
            continue
        found = with_keyword(made, constructor_parameters(type(layer)), "padding", str(size))
        if found is None:
            return
        changes.append(found[0])
        shown.append(f"padding={size}` in `{_name(case, layer)}")
    if len(changes) > 1:
        yield Candidate("window", tuple(changes), "` and `".join(shown), None, 0)


def _name(case: Case, layer: nn.Module) -> str:
    return next((path for path, module in case.built.model.named_modules() if module is layer), "")


def _windows(case: Case, side: Side, other: Side, dim: int) -> Iterator[Candidate]:
    """A stride, a padding or an output padding for one layer of this side."""
    here, there = side.shape[dim], other.shape[dim]
    for node in side.layers:
        layer = node.meta["layer"]
        for name, value in _settings(layer, case, here, there):
            yield from _with_setting(case, node, name, value)


def _settings(layer: Any, case: Case, here: sympy.Expr, there: sympy.Expr) -> Iterator[tuple[str, int]]:
    """Values of a layer's own arguments that would bring a size from `here` to `there`."""
    sizes = {symbol: sympy.Integer(size) for symbol, size in _hints(case).items()}
    a, b = (int(one.xreplace(sizes)) for one in (here, there))
    if isinstance(layer, (*_CONVOLUTIONS, *_POOLS)):
        stride, padding = _one(layer.stride), _one(layer.padding)
        if stride is not None and b > 0 and a > b:
            yield from (("stride", factor * stride) for factor in (round(a / b),) if factor > 1)
        if stride is not None and stride > 1 and b > a and round(b / a) > 1 and stride % round(b / a) == 0:
            yield "stride", stride // round(b / a)
        if padding is not None and stride is not None:
            more = padding + math.ceil((b - a) * stride / 2)
            if 0 <= more <= _largest_padding(layer) and more != padding:
                yield "padding", more
    if isinstance(layer, _TRANSPOSED) and b - a == 1:
        yield "output_padding", 1


def _largest_padding(layer: Any) -> int:
    """Half of the kernel's span: with more, windows would see nothing but padding."""
    kernel, dilation = _one(layer.kernel_size), _one(getattr(layer, "dilation", 1))
    return same_padding(kernel or 1, dilation or 1) + (0 if isinstance(layer, _CONVOLUTIONS) else 1)


def _hints(case: Case) -> dict[sympy.Symbol, int]:
    run = case.run
    return {symbol: run.course.sizes[name] for symbol, name in run.names.items()}


def _one(value: Any) -> int | None:
    values = set(value) if isinstance(value, tuple) else {value}
    found = values.pop() if len(values) == 1 else None
    return found if type(found) is int else None


def _with_setting(case: Case, node: fx.Node, name: str, value: int) -> Iterator[Candidate]:
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


def _same_value(made: Written, name: str, scope: Any, value: int) -> list[str]:
    """The value under the name that the constructor has for it, `stride=stride`, and as a number."""
    function = function_around(made.filename, made.node)
    known = [arg.arg for arg in (*function.args.args, *function.args.kwonlyargs)] if function is not None else []
    own = [one for one in known if one == name and scope.get(one) == value]
    return [*own, str(value)]


def _padded(pair: tuple[Side, Side], places: Sequence[int]) -> Iterator[Candidate]:
    """The smaller side padded to the size of the other one."""
    left, right = pair
    sizes = [[number(side.shape[dim]) for dim in places] for side in pair]
    if None in sizes[0] or None in sizes[1] or len(left.shape) - 2 != len(places):
        return
    gaps = [(a or 0) - (b or 0) for a, b in zip(*sizes, strict=True)]
    if not (all(gap in (0, 1) for gap in gaps) or all(gap in (0, -1) for gap in gaps)):
        return
    smaller = right if max(gaps) > 0 else left
    if smaller.written is None:
        return
    pads = ", ".join(f"0, {abs(gap)}" for gap in reversed(gaps))
    name = f"{_functional(smaller.written)}.pad"
    text = f"{name}({smaller.written.text}, ({pads}))"
    code = one_line(text, f"{name}(..., ({pads}))")
    yield Candidate("pad", (replaced(smaller.written, text),), code, None, 3)


def _functional(part: Written) -> str:
    """What the file calls torch.nn.functional."""
    lines = {line.strip() for line in text_lines(part.filename)}
    if lines & {"import torch.nn.functional as F", "from torch.nn import functional as F"}:
        return "F"
    return "nn.functional" if lines & {"import torch.nn as nn", "from torch import nn"} else "torch.nn.functional"


def _shortcuts(case: Case, pair: tuple[Side, Side]) -> Iterator[Candidate]:
    """A convolution for the side that skips the layers of the other one."""
    for side, other in (pair, pair[::-1]):
        if side.layers or side.written is None or not other.layers:
            continue
        kinds = (type(one.meta["layer"]) for one in other.layers)
        kind = next((one for one in kinds if issubclass(one, _CONVOLUTIONS)), None)
        channels = number(side.shape[1]), number(other.shape[1])
        if kind is None or None in channels:
            continue
        sizes = {symbol: sympy.Integer(size) for symbol, size in _hints(case).items()}
        ratios = {
            round(int(a.xreplace(sizes)) / max(1, int(b.xreplace(sizes))))
            for a, b in zip(side.shape[2:], other.shape[2:], strict=True)
        }
        if len(ratios) != 1:
            continue
        stride = ratios.pop()
        given = f"{channels[0]}, {channels[1]}, 1" + (f", stride={stride}" if stride > 1 else "")
        yield from _shortcut(case, side.written, kind.__name__, given)


def _shortcut(case: Case, part: Written, kind: str, given: str) -> Iterator[Candidate]:
    """A new layer, made at the end of the constructor, and called on the operand."""
    block = str(case.node.meta["block"])
    module = case.built.model.get_submodule(block) if block else case.built.model
    forward = function_around(part.filename, part.node)
    init = _constructor_of(part, forward)
    prefix = _prefix(init, part.filename)
    if init is None or prefix is None or hasattr(module, "shortcut"):
        return
    last = init.body[-1]
    span = expression_span(part.filename, last)  # type: ignore[arg-type]
    line = f"{prefix}{kind}({given})"
    put = f"\n{' ' * last.col_offset}self.shortcut = {line}"
    made = inserted(part.filename, span.end_row, span.end_column, put)
    yield Candidate("shortcut", (made, replaced(part, f"self.shortcut({part.text})")), line, None, 1)


def _constructor_of(
    part: Written, forward: ast.FunctionDef | ast.AsyncFunctionDef | None
) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The `__init__` of the class whose method the operand is in."""
    source = source_of(part.filename)
    for node in ast.walk(source.tree) if source is not None else ():
        if isinstance(node, ast.ClassDef) and forward in node.body:
            return next((one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None)
    return None


def _prefix(init: ast.AST | None, filename: str) -> str | None:
    """How the constructor names torch's layers: `nn.`, `torch.nn.`."""
    for node in ast.walk(init) if init is not None else ():
        if isinstance(node, ast.Call):
            text = text_at(expression_span(filename, node.func))
            if text.startswith(("nn.", "torch.nn.")):
                return text[: text.index("nn.") + 3]
    return None
