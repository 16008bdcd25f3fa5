"""A formula over many sizes at once: numpy arrays in, a numpy array out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy

Grid = Any
"""An int64 or bool array, or a plain number; shapes broadcast against each other."""


class UnknownFunction(ValueError):
    """A formula uses a function that has no value here."""


def _floor_divide(a: Grid, b: Grid) -> Grid:
    return np.floor_divide(a, np.where(np.equal(b, 0), 1, b))


def _modulo(a: Grid, b: Grid) -> Grid:
    return np.mod(a, np.where(np.equal(b, 0), 1, b))


def _divide(a: Grid, b: Grid) -> Grid:
    return np.true_divide(a, np.where(np.equal(b, 0), 1, b))


def _integer(function: Callable[..., Grid]) -> Callable[..., Grid]:
    return lambda a: function(a).astype(np.int64) if hasattr(a, "astype") else int(function(a))


_FUNCTIONS: dict[str, Callable[..., Grid]] = {
    "Add": lambda *args: sum(args[1:], args[0]),
    "Mul": lambda *args: _fold(np.multiply, args),
    "Pow": lambda a, b: np.power(np.asarray(a, dtype=np.float64), b) if np.any(np.less(b, 0)) else np.power(a, b),
    "FloorDiv": _floor_divide,
    "CleanDiv": _floor_divide,
    "Mod": _modulo,
    "PythonMod": _modulo,
    "IntTrueDiv": _divide,
    "FloatTrueDiv": _divide,
    "ToFloat": lambda a: np.asarray(a, dtype=np.float64),
    "Identity": lambda a: a,
    "Max": lambda *args: _fold(np.maximum, args),
    "Min": lambda *args: _fold(np.minimum, args),
    "FloorToInt": _integer(np.floor),
    "floor": _integer(np.floor),
    "CeilToInt": _integer(np.ceil),
    "ceiling": _integer(np.ceil),
    "TruncToInt": _integer(np.trunc),
    "RoundToInt": _integer(np.round),
    "Abs": np.abs,
    "FloatPow": lambda a, b: np.power(np.asarray(a, dtype=np.float64), b),
    "PowByNatural": np.power,
    "Equality": np.equal,
    "Unequality": np.not_equal,
    "LessThan": np.less_equal,
    "StrictLessThan": np.less,
    "GreaterThan": np.greater_equal,
    "StrictGreaterThan": np.greater,
    "And": lambda *args: _fold(np.logical_and, args),
    "Or": lambda *args: _fold(np.logical_or, args),
    "Not": np.logical_not,
}


def _fold(function: Callable[[Grid, Grid], Grid], args: tuple[Grid, ...]) -> Grid:
    result = args[0]
    for arg in args[1:]:
        result = function(result, arg)
    return result


def evaluate(expr: sympy.Basic, values: Mapping[sympy.Symbol, Grid], memo: dict[sympy.Basic, Grid]) -> Grid:
    """The value of `expr` at each point of the grid.

    `memo` shares the values of common subformulas between calls on one grid. Division by zero gives some
    number instead of an error: such a point breaks a condition that stands before it in the trace.

    Raises UnknownFunction for a function or a symbol without a value.
    """
    known = memo.get(expr)
    if known is not None:
        return known
    result = _value(expr, values, memo)
    memo[expr] = result
    return result


def _value(expr: sympy.Basic, values: Mapping[sympy.Symbol, Grid], memo: dict[sympy.Basic, Grid]) -> Grid:
    if expr is sympy.true or expr is sympy.false:
        return bool(expr)
    if isinstance(expr, sympy.Symbol):
        if expr not in values:
            raise UnknownFunction(f"no value for {expr}")
        return values[expr]
    if expr.is_Integer:
        return int(expr)
    if expr.is_number and not expr.args:
        return float(expr)
    function = _FUNCTIONS.get(type(expr).__name__)
    if function is None:
        raise UnknownFunction(type(expr).__name__)
    return function(*(evaluate(arg, values, memo) for arg in expr.args))
