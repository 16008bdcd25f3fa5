"""The notation of shapes and conditions in signatures: what its parts are, and how they are written.

`parse` reads what `format_shape` and `format_expression` write.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

ANY: Final = "_"
"""The name of a size that is not asked for again."""
ELLIPSIS: Final = "..."
"""The name of leading sizes that have no name."""


@dataclass(frozen=True, slots=True)
class Constant:
    value: int | float | bool | str | None


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """`stride[0]`: of a list its item; a plain number stands for each item."""

    name: str
    index: Expression


@dataclass(frozen=True, slots=True)
class Unary:
    operator: str  # "-" or "not"
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Choice:
    """`then if condition else otherwise`"""

    condition: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class Function:
    """`min(a, b)`, `max(a, b)`, `len(s)`, `int(x)`, `broadcast(s, t)`"""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """`(h w)`, as einops writes the product of two dimensions; `()` is 1."""

    factors: tuple[Dimension, ...]


@dataclass(frozen=True, slots=True)
class Rest:
    """`*batch`, `...` or `*s[1:]`: any number of dimensions."""

    name: str
    start: Expression | None = None
    stop: Expression | None = None


Expression = Constant | Name | Item | Unary | Binary | Choice | Function | Product
Dimension = Expression | Rest
Shape = tuple[Dimension, ...]

FUNCTIONS: Final = ("min", "max", "len", "int", "broadcast")
COMPARISONS: Final = ("==", "!=", "<=", ">=", "<", ">", "is not", "is")
SUMS: Final = ("+", "-")
TERMS: Final = ("*", "//", "/", "%")
_CHOICE, _OR, _AND, _NOT, _COMPARISON, _SUM, _TERM, _UNARY, _ATOM = range(9)
_LEVELS: Final = {
    "or": _OR,
    "and": _AND,
    **dict.fromkeys(COMPARISONS, _COMPARISON),
    **dict.fromkeys(SUMS, _SUM),
    **dict.fromkeys(TERMS, _TERM),
}


def format_shape(shape: Shape) -> str:
    return " ".join(_dimension(dim) for dim in shape)


def format_expression(expression: Expression) -> str:
    return _written(expression, _CHOICE)


def _dimension(dim: Dimension) -> str:
    if isinstance(dim, Rest):
        return _rest(dim)
    text = _written(dim, _SUM)
    # Behind another dimension a sign would be taken for a difference.
    return f"({text})" if text.startswith("-") else text


def _rest(rest: Rest) -> str:
    if rest.name == ELLIPSIS:
        return ELLIPSIS
    if rest.start is None and rest.stop is None:
        return f"*{rest.name}"
    start, stop = ("" if bound is None else format_expression(bound) for bound in (rest.start, rest.stop))
    return f"*{rest.name}[{start}:{stop}]"


def _written(expression: Expression, least: int) -> str:
    text, level = _text(expression)
    return f"({text})" if level < least else text


def _text(expression: Expression) -> tuple[str, int]:
    """The text of an expression, and how tightly it holds together."""
    match expression:
        case Constant(value):
            return repr(value), _ATOM
        case Name(name):
            return name, _ATOM
        case Item(name, index):
            return f"{name}[{format_expression(index)}]", _ATOM
        case Product(factors):
            return f"({format_shape(factors)})", _ATOM
        case Function(name, arguments):
            return f"{name}({', '.join(map(format_expression, arguments))})", _ATOM
        case Unary("not", operand):
            return f"not {_written(operand, _NOT)}", _NOT
        case Unary(operator, operand):
            return f"{operator}{_written(operand, _UNARY)}", _UNARY
        case Choice(condition, then, otherwise):
            return f"{_written(then, _OR)} if {_written(condition, _OR)} else {_written(otherwise, _CHOICE)}", _CHOICE
        case Binary(operator, left, right):
            level = _LEVELS[operator]
            # Comparisons do not chain, so that both of their sides are sums.
            before = _written(left, level + (level == _COMPARISON))
            space = "" if level == _TERM else " "
            return f"{before}{space}{operator}{space}{_written(right, level + 1)}", level


def factors_of(dim: Dimension) -> tuple[Dimension, ...]:
    """The factors of a product; any other dimension is its only one."""
    match dim:
        case Product(factors):
            return factors
        case Binary("*", left, right):
            return (*factors_of(left), *factors_of(right))
        case _:
            return (dim,)


def names_in(part: Dimension | None) -> Iterator[str]:
    """The names that a dimension or an expression uses."""
    match part:
        case Name(name):
            yield name
        case Item(name, index):
            yield name
            yield from names_in(index)
        case Rest(name, start, stop):
            yield name
            yield from names_in(start)
            yield from names_in(stop)
        case Unary(_, operand):
            yield from names_in(operand)
        case Binary(_, left, right):
            yield from names_in(left)
            yield from names_in(right)
        case Choice(condition, then, otherwise):
            for one in (condition, then, otherwise):
                yield from names_in(one)
        case Function(_, parts) | Product(parts):
            for inner in parts:
                yield from names_in(inner)
        case _:
            pass
