"""The names of one call of an operator, and the values of expressions over them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Final

import sympy
import torch

from convlint.signatures.notation import (
    COMPARISONS,
    Binary,
    Choice,
    Constant,
    Expression,
    Function,
    Item,
    Name,
    Product,
    Rest,
    Shape,
    Unary,
)
from convlint.signatures.parse import parse_expression
from convlint.worker.values.sizes import Size, at_least, divides, equal, product


class Undetermined(Exception):
    """A value that the arguments of this call do not give; the message says which."""


_ARITHMETIC: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}


@dataclass
class CallScope:
    """Values by name: arguments, sizes that shapes have bound, and what `let` makes of them."""

    values: dict[str, Any]
    made: Mapping[str, str]  # of `let`: the expressions, read when they are asked for
    bound: set[str] = field(default_factory=set)  # names that shapes have given their values
    _making: set[str] = field(default_factory=set)

    def has(self, name: str) -> bool:
        return name in self.values or name in self.made

    def bind(self, name: str, value: Size | tuple[Size, ...]) -> None:
        self.values[name] = value
        self.bound.add(name)

    def get(self, name: str) -> Any:
        """Raises Undetermined."""
        if name in self.values:
            return self.values[name]
        if name not in self.made or name in self._making:
            raise Undetermined(f"`{name}` has no value in this call")
        self._making.add(name)
        try:
            self.values[name] = self.value(parse_expression(self.made[name]))
        finally:
            self._making.discard(name)
        return self.values[name]

    # -- values ---------------------------------------------------------------------------------------------

    def value(self, expression: Expression) -> Any:
        """Raises Undetermined."""
        try:
            return self._value(expression)
        except (TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise Undetermined(f"its arguments cannot be reckoned with: {error}") from None

    def _value(self, expression: Expression) -> Any:
        match expression:
            case Constant(value):
                return value
            case Name(name):
                return self.get(name)
            case Item(name, index):
                items, at = self.get(name), self._value(index)
                return items[at] if isinstance(items, Sequence) and not isinstance(items, str) else items
            case Unary("-", operand):
                return -self._value(operand)
            case Binary(sign, left, right) if sign in _ARITHMETIC:
                return _ARITHMETIC[sign](self._value(left), self._value(right))
            case Choice(condition, then, otherwise):
                return self._value(then if self.holds(condition) else otherwise)
            case Function(name, arguments):
                return _called(name, [self._value(argument) for argument in arguments])
            case Product(factors):
                return product(self.sizes(factors))
            case _:
                return self.holds(expression)

    def size(self, expression: Expression) -> Size:
        """A value that is the size of a dimension. Raises Undetermined."""
        value = self.value(expression)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int | torch.SymInt):
            raise Undetermined(f"a size would be {value!r}")
        return value

    def sizes(self, shape: Shape) -> tuple[Size, ...]:
        """The sizes of a shape whose names have values. Raises Undetermined."""
        found: list[Size] = []
        for dim in shape:
            found.extend(self.rest(dim) if isinstance(dim, Rest) else [self.size(dim)])
        return tuple(found)

    def rest(self, rest: Rest) -> tuple[Size, ...]:
        """The sizes that a `*name` is for. Raises Undetermined."""
        value = self.get(rest.name)
        items = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
        if not all(isinstance(one, int | torch.SymInt) for one in items):
            raise Undetermined(f"`{rest.name}` is not a list of sizes")
        start, stop = (None if bound is None else self.value(bound) for bound in (rest.start, rest.stop))
        return items[start:stop]

    # -- conditions -----------------------------------------------------------------------------------------

    def holds(self, condition: Expression) -> bool:
        """Whether a condition holds that depends on no symbol. Raises Undetermined."""
        found = self.condition(condition)
        if found not in (sympy.true, sympy.false):
            raise Undetermined("which way to go depends on the sizes of the input")
        return bool(found)

    def condition(self, expression: Expression) -> sympy.Basic:
        """A condition over symbols. Raises Undetermined."""
        match expression:
            case Binary("and", left, right):
                first = self.condition(left)
                return first if first is sympy.false else sympy.And(first, self.condition(right), evaluate=False)
            case Binary("or", left, right):
                first = self.condition(left)
                return first if first is sympy.true else sympy.Or(first, self.condition(right), evaluate=False)
            case Unary("not", operand):
                return sympy.Not(self.condition(operand))
            case Binary("==" | "!=" as sign, Binary("%", left, right), Constant(0)):
                fits = self._divides(self.value(left), self.value(right))
                return fits if sign == "==" else sympy.Not(fits)
            case Binary(sign, left, right) if sign in COMPARISONS:
                return _compared(sign, self.value(left), self.value(right))
            case _:
                return sympy.true if self.value(expression) else sympy.false

    def _divides(self, left: Any, right: Any) -> sympy.Basic:
        if not _is_size(left) or not _is_size(right):
            raise Undetermined("its arguments cannot be reckoned with")
        return divides(right, left)


def _called(name: str, values: list[Any]) -> Any:
    if name == "len":
        return len(values[0]) if isinstance(values[0], Sequence) else 1
    if name == "broadcast":
        return _broadcast(*map(tuple, values))
    if name == "int":
        return values[0] if _is_size(values[0]) else int(values[0])
    is_symbolic = any(isinstance(value, torch.SymInt) for value in values)
    choose: Any = {"min": torch.sym_min, "max": torch.sym_max} if is_symbolic else {"min": min, "max": max}
    found = values[0]
    for value in values[1:]:
        found = choose[name](found, value)
    return found


def _broadcast(left: tuple[Size, ...], right: tuple[Size, ...]) -> tuple[Size, ...]:
    """The shape of two that broadcast for certain."""
    found: list[Size] = []
    for a, b in zip_longest(reversed(left), reversed(right), fillvalue=1):
        is_left = (isinstance(b, int) and b == 1) or equal(a, b) is sympy.true
        if not is_left and not (isinstance(a, int) and a == 1):
            raise Undetermined("two shapes may not broadcast")
        found.append(a if is_left else b)
    return tuple(reversed(found))


def _compared(sign: str, left: Any, right: Any) -> sympy.Basic:
    if _is_size(left) and _is_size(right):
        return _of_sizes(sign, left, right)
    plain: dict[str, Callable[[Any, Any], Any]] = {
        "==": operator.eq,
        "!=": operator.ne,
        "is": operator.is_,
        "is not": operator.is_not,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
    }
    try:
        return sympy.true if plain[sign](left, right) else sympy.false
    except TypeError as error:
        raise Undetermined(f"its arguments cannot be compared: {error}") from None


def _of_sizes(sign: str, left: Size, right: Size) -> sympy.Basic:
    match sign:
        case "==" | "is":
            return equal(left, right)
        case "!=" | "is not":
            return sympy.Not(equal(left, right))
        case ">=":
            return at_least(left, right)
        case "<=":
            return at_least(right, left)
        case ">":
            return at_least(left, right + 1)
        case _:
            return at_least(right, left + 1)


def _is_size(value: Any) -> bool:
    return isinstance(value, int | torch.SymInt) and not isinstance(value, bool)
