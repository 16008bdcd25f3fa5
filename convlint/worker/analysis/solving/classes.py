"""Which sizes of one symbol no condition tells apart."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import numpy.typing as npt
import sympy

from convlint.worker.analysis.solving.evaluate import UnknownFunction, evaluate

Sizes = npt.NDArray[np.int64]
Coarser = Callable[[Sizes], Sizes]
"""What of a subformula's values counts."""
_Part = tuple[sympy.Basic, Coarser | None, object]
"""A subformula, what of its values counts, and a key for that."""

_REMAINDERS = ("Mod", "PythonMod")
_WHOLE = (*_REMAINDERS, "Add", "Mul", "FloorDiv", "CleanDiv", "Max", "Min", "Abs", "PowByNatural")
"""Functions that make whole numbers of whole numbers."""


def classes(
    symbol: sympy.Symbol, symbols: set[sympy.Symbol], conditions: Iterable[sympy.Basic], sizes: Sizes
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The index of one size for each class, and the class of each size.

    A size is told apart by the values of the largest subformulas that hold its symbol alone; of a factor in a product
    that must equal n, or be a multiple of n, by what n says of it.
    """
    columns: dict[tuple[object, ...], npt.NDArray[np.generic]] = {}
    memo: dict[sympy.Basic, object] = {}
    for condition in dict.fromkeys(conditions):
        for part, coarser, key in _parts(condition, symbol, symbols):
            if (part, key) in columns:
                continue
            with contextlib.suppress(UnknownFunction):
                value = np.broadcast_to(np.asarray(evaluate(part, {symbol: sizes}, memo)), sizes.shape)
                columns[part, key] = value if coarser is None else coarser(value)
    table = np.stack([np.zeros(sizes.shape), *columns.values()])
    _, first, of_each = np.unique(table, axis=1, return_index=True, return_inverse=True)
    return first, of_each.reshape(-1)


def _parts(expr: sympy.Basic, symbol: sympy.Symbol, symbols: set[sympy.Symbol]) -> Iterator[_Part]:
    used = expr.free_symbols & symbols
    if used == {symbol}:
        yield expr, None, None
    elif symbol in used:
        product = _product(expr)
        if product is None:
            for arg in expr.args:
                yield from _parts(arg, symbol, symbols)
            return
        factors, coarser, key = product
        for factor in factors:
            if factor.free_symbols & symbols == {symbol}:
                yield factor, coarser, key
            else:
                yield from _parts(factor, symbol, symbols)


def _product(expr: sympy.Basic) -> tuple[tuple[sympy.Basic, ...], Coarser, object] | None:
    """The factors of a product that is compared with a number n, and what n says of each.

    Where it must equal n, each whole factor divides n. Where it must be a multiple of n, only what a factor has in
    common with n counts.
    """
    if not isinstance(expr, sympy.Equality | sympy.Unequality):
        return None
    left, right = expr.args if expr.args[1].is_Integer else reversed(expr.args)
    if not right.is_Integer:
        return None
    number = int(right)
    if isinstance(left, sympy.Mul) and number != 0 and _is_whole(left):
        return left.args, lambda value: np.where(_divides(value, number), value, 0), number
    if number == 0 and type(left).__name__ in _REMAINDERS:
        of, modulus = left.args
        if isinstance(of, sympy.Mul) and modulus.is_Integer and int(modulus) > 0 and _is_whole(of):
            return of.args, lambda value: np.gcd(value, int(modulus)), ("mod", int(modulus))
    return None


def _divides(value: Sizes, number: int) -> npt.NDArray[np.bool_]:
    return np.not_equal(value, 0) & np.equal(np.mod(number, np.where(value == 0, 1, value)), 0)


def _is_whole(product: sympy.Basic) -> bool:
    """Whether every factor is made of whole numbers."""
    return all(
        type(part).__name__ in _WHOLE or part.is_Integer or isinstance(part, sympy.Symbol)
        for part in sympy.preorder_traversal(product)
    )
