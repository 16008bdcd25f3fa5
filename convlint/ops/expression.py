"""Sizes as texts of arithmetic, such as `64*((H-4)//2)`: worked out with numbers, and multiplied."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from convlint.facts import Dim

Values = Mapping[str, int]
BATCH: Final = "B"

_BINARY: Final[dict[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Div: lambda a, b: a / b,
    ast.Mod: lambda a, b: a % b,
    ast.Pow: lambda a, b: a**b if abs(b) < 64 else math.nan,
}
_CALLS: Final[dict[str, Callable[..., float]]] = {
    "max": max,
    "min": min,
    "floor": math.floor,
    "ceil": math.ceil,
    "int": int,
    "round": round,
}


def work_out(size: Dim, values: Values) -> int | None:
    """The number that a size is for these values of its symbols; None where it cannot be told."""
    if isinstance(size, int):
        return size
    tree = _parse(size)
    if tree is None:
        return None
    try:
        result = _number(tree, values)
    except (ArithmeticError, KeyError, TypeError, ValueError, RecursionError):
        return None
    return int(result) if result == int(result) else None


def symbols(size: Dim) -> frozenset[str]:
    """The symbols in a size."""
    tree = _parse(size) if isinstance(size, str) else None
    if tree is None:
        return frozenset()
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called)


def operand(size: Dim) -> str:
    """A size as it stands inside of a larger formula."""
    text = str(size)
    return text if text.isalnum() else f"({text})"


def times(sizes: Iterable[Dim]) -> str:
    """`64 * 12 * 12`."""
    return " * ".join(operand(size) for size in sizes)


@lru_cache(maxsize=4096)
def _parse(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body if len(text) < 10_000 else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _number(tree: ast.expr, values: Values) -> float:
    match tree:
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_number(inner, values)
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](_number(left, values), _number(right, values))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _CALLS[name](*(_number(argument, values) for argument in arguments))
    raise ValueError(ast.dump(tree))


@dataclass(frozen=True, slots=True)
class Count:
    """A number that may hold symbols: a sum of `coefficient * factors`, like factors together."""

    terms: tuple[tuple[tuple[str, ...], int], ...] = ()

    def __add__(self, other: Count) -> Count:
        total = dict(self.terms)
        for factors, coefficient in other.terms:
            total[factors] = total.get(factors, 0) + coefficient
        return Count(tuple((factors, total[factors]) for factors in sorted(total, key=_order) if total[factors]))

    def __mul__(self, number: int) -> Count:
        return Count(tuple((factors, coefficient * number) for factors, coefficient in self.terms))

    @property
    def value(self) -> Dim:
        """A number where it is one, else the formula."""
        if not self.terms:
            return 0
        if self.terms[0][0] == () and len(self.terms) == 1:
            return self.terms[0][1]
        return " + ".join("*".join([str(coefficient), *map(operand, factors)]) for factors, coefficient in self.terms)


def _order(factors: tuple[str, ...]) -> tuple[bool, int, tuple[str, ...]]:
    return not factors, -len(factors), factors


def count(sizes: Iterable[Dim], *, batch: int | None = 1) -> Count:
    """The product of sizes, with this number for the batch."""
    coefficient, factors = 1, list[str]()
    for size in sizes:
        for factor in _factors(size):
            known = work_out(factor, {} if batch is None else {BATCH: batch})
            if known is not None:
                coefficient *= known
            else:
                factors.append(factor)
    return Count(((tuple(sorted(factors)), coefficient),)) if coefficient else Count()


def _factors(size: Dim) -> list[str]:
    tree = _parse(str(size))
    if tree is None:
        return [str(size)]
    return [ast.unparse(factor).replace(" ", "") for factor in _split(tree)]


def _split(tree: ast.expr) -> list[ast.expr]:
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult):
        return [*_split(tree.left), *_split(tree.right)]
    return [tree]
