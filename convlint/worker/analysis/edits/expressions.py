"""The simplest expression that has the wanted value at each of several calls: `hidden`, `2 * f`, `width // 2`."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

FACTORS = (2, 3, 4, 6, 8)
"""Numbers that a name is multiplied with or divided by."""
MOST_NAMES = 40
"""Names that are put together in pairs."""


@dataclass(frozen=True)
class Point:
    """The numbers that can be named at one call, and the value that is wanted there."""

    scope: Mapping[str, int]
    wanted: int


def expressions(
    points: Sequence[Point], text: str, body: str, near: Sequence[str] = (), *, has_literal: bool = True
) -> Iterator[str]:
    """Those that fit at all points, the simplest first.

    `text` stands there now, `body` is the function around it, whose habits are kept; `near` are expressions that
    give such a size elsewhere in it; without `has_literal` the number itself is none of them.
    """
    literal = None if has_literal else literal_of(points)
    seen = {text, *([literal] if literal is not None else [])}
    for expression in _in_order(points, text, body, near):
        if expression not in seen:
            seen.add(expression)
            yield expression


def _in_order(points: Sequence[Point], text: str, body: str, near: Sequence[str]) -> Iterator[str]:
    literal = literal_of(points)
    is_number = _is_number(text)
    fitting = (one for one in near if _fits(one, points) and not (is_number and _is_number(one)))
    yield from sorted(fitting, key=lambda one: not one.isidentifier())
    if is_number and literal is not None:
        yield literal
        return
    names = _names(points, text)
    yield from names_alone(points, text)
    yield from _multiples(names, points, body)
    yield from _pairs(names, points)
    if literal is not None:
        yield literal


def names_alone(points: Sequence[Point], text: str) -> Iterator[str]:
    """Other names that have the wanted value at every point."""
    for name in _names(points, text):
        if name != text and all(point.scope[name] == point.wanted for point in points):
            yield name


def literal_of(points: Sequence[Point]) -> str | None:
    """The number itself, where one is wanted everywhere."""
    values = {point.wanted for point in points}
    return str(values.pop()) if len(values) == 1 else None


def _names(points: Sequence[Point], text: str) -> list[str]:
    """The names that are known at every point: those of the expression itself, then the nearest."""
    common = [name for name in points[0].scope if all(name in point.scope for point in points[1:])]
    own = {ast.unparse(node) for node in ast.walk(_parsed(text)) if isinstance(node, ast.Name | ast.Attribute)}
    return sorted(common, key=lambda name: (name not in own, "." in name))[:MOST_NAMES]


def _multiples(names: Sequence[str], points: Sequence[Point], body: str) -> Iterator[str]:
    for name in names:
        for factor in FACTORS:
            if all(factor * point.scope[name] == point.wanted for point in points):
                yield _in_style(name, factor, body)
            if all(point.scope[name] == factor * point.wanted for point in points):
                yield f"{name} // {factor}"


def _in_style(name: str, factor: int, body: str) -> str:
    """`width * 4` where the code around says so elsewhere, else `4 * width`."""
    behind, before = f"{name} * ", f" * {name}"
    return f"{name} * {factor}" if behind in body and before not in body else f"{factor} * {name}"


def _pairs(names: Sequence[str], points: Sequence[Point]) -> Iterator[str]:
    for i, left in enumerate(names):
        for right in names[i + 1 :]:
            values = [(point.scope[left], point.scope[right], point.wanted) for point in points]
            if len({value[:2] for value in values}) < 2 and len(points) < 2 and not _is_plain_sum(values[0]):
                continue  # of one call a sum proves little
            if all(a + b == wanted for a, b, wanted in values):
                yield f"{left} + {right}"
            if all(a * b == wanted for a, b, wanted in values):
                yield f"{left} * {right}"


def _is_plain_sum(value: tuple[int, int, int]) -> bool:
    a, b, _ = value
    return min(a, b) > 1 and math.gcd(a, b) < min(a, b)


def _fits(expression: str, points: Sequence[Point]) -> bool:
    return all(value_of(expression, point.scope) == point.wanted for point in points)


def value_of(expression: str, scope: Mapping[str, int]) -> int | None:
    """The whole number that sums, products and divisions of known names make; None for anything else."""
    try:
        return _value(_parsed(expression), scope)
    except (KeyError, ZeroDivisionError, ValueError):
        return None


def _parsed(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        return ast.Constant(None)


def _value(node: ast.expr, scope: Mapping[str, int]) -> int:
    match node:
        case ast.Constant(value=bool()):
            raise ValueError
        case ast.Constant(value=int(number)):
            return number
        case ast.Name() | ast.Attribute():
            return scope[ast.unparse(node)]
        case ast.BinOp(left=left, op=op, right=right):
            return _combined(op, _value(left, scope), _value(right, scope))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, scope)
        case _:
            raise ValueError


def _combined(op: ast.operator, a: int, b: int) -> int:
    match op:
        case ast.Add():
            return a + b
        case ast.Sub():
            return a - b
        case ast.Mult():
            return a * b
        case ast.FloorDiv():
            return a // b
        case ast.Mod():
            return a % b
        case ast.Pow() if 0 <= b <= 16:
            return int(a**b)
        case _:
            raise ValueError


def _is_number(text: str) -> bool:
    return not any(isinstance(node, ast.Name | ast.Attribute) for node in ast.walk(_parsed(text)))
