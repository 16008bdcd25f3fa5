"""Values of formulas over many sizes at once are the values that sympy has at each size."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.utils._sympy.functions import CleanDiv, FloorDiv, FloorToInt, IntTrueDiv, Mod, PythonMod

from convlint.worker.analysis.solving.evaluate import UnknownFunction, evaluate

H, W = (sympy.Symbol(name, integer=True, positive=True) for name in "HW")
GRID = np.arange(2, 14, dtype=np.int64)


def expressions() -> st.SearchStrategy[sympy.Expr]:
    leaves = st.sampled_from([H, W]) | st.integers(-6, 6).map(sympy.Integer)
    divisors = st.integers(1, 6).map(sympy.Integer)
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda pair: pair[0] + pair[1]),
            st.tuples(inner, inner).map(lambda pair: pair[0] * pair[1]),
            st.tuples(inner, inner).map(lambda pair: sympy.Max(*pair)),
            st.tuples(inner, inner).map(lambda pair: sympy.Min(*pair)),
            st.tuples(inner, divisors).map(lambda pair: FloorDiv(*pair)),
            st.tuples(inner, divisors).map(lambda pair: PythonMod(*pair)),
        ),
        max_leaves=8,
    )


def conditions() -> st.SearchStrategy[sympy.Basic]:
    kinds = (sympy.Eq, sympy.Ne, sympy.Lt, sympy.Le, sympy.Gt, sympy.Ge)
    single = st.tuples(st.sampled_from(kinds), expressions(), expressions()).map(
        lambda parts: parts[0](parts[1], parts[2])
    )
    return st.recursive(
        single,
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda pair: sympy.And(*pair)),
            st.tuples(inner, inner).map(lambda pair: sympy.Or(*pair)),
            inner.map(sympy.Not),
        ),
        max_leaves=3,
    )


def on_the_grid(expr: sympy.Basic) -> np.ndarray:
    found = evaluate(expr, {H: GRID.reshape(-1, 1), W: GRID}, {})
    return np.broadcast_to(np.asarray(found), (len(GRID), len(GRID)))


def at_a_point(expr: sympy.Basic, h: int, w: int) -> sympy.Basic:
    return expr.xreplace({H: sympy.Integer(h), W: sympy.Integer(w)}).doit()


@settings(max_examples=60, deadline=None)
@given(expressions(), st.sampled_from(range(12)), st.sampled_from(range(12)))
@example(FloorDiv(-H, 2), 1, 0)
@example(PythonMod(-H, 3), 2, 0)
@example(CleanDiv(6 * H, 3), 1, 0)
def test_numbers(expr: sympy.Expr, i: int, j: int) -> None:
    values = on_the_grid(expr)
    assert int(values[i, j]) == int(at_a_point(expr, int(GRID[i]), int(GRID[j])))


@settings(max_examples=60, deadline=None)
@given(conditions(), st.sampled_from(range(12)), st.sampled_from(range(12)))
@example(sympy.Eq(Mod(H * W, 4), 0), 0, 0)
@example(sympy.Ne(FloorDiv(H, 2), FloorDiv(W, 2)), 1, 2)
def test_conditions(condition: sympy.Basic, i: int, j: int) -> None:
    values = on_the_grid(condition)
    assert bool(values[i, j]) == bool(at_a_point(condition, int(GRID[i]), int(GRID[j])))


def test_true_division_is_no_whole_number() -> None:
    assert on_the_grid(IntTrueDiv(H, sympy.Integer(2)))[1, 0] == 1.5


def test_back_from_true_division() -> None:
    assert on_the_grid(FloorToInt(IntTrueDiv(H, sympy.Integer(2))))[1, 0] == 1


def test_division_by_zero_is_some_number() -> None:
    assert on_the_grid(FloorDiv(H, W - 2)).shape == (12, 12)


def test_memo_is_shared() -> None:
    memo: dict[sympy.Basic, object] = {}
    evaluate(FloorDiv(H, 2) + 1, {H: GRID}, memo)
    assert FloorDiv(H, 2) in memo


@pytest.mark.parametrize("expr", [sympy.Symbol("unknown"), sympy.sin(H)], ids=["symbol", "function"])
def test_what_has_no_value(expr: sympy.Expr) -> None:
    with pytest.raises(UnknownFunction):
        evaluate(expr, {H: GRID}, {})
