"""Formulas as people read them: in simplest form, and never saying another number than the size has."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
import sympy
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from torch.utils._sympy.functions import FloorDiv, Mod

from convlint.worker.analysis.solving.formulas import derivation, formula

H, W, B = (sympy.Symbol(name, integer=True, positive=True) for name in "HWB")
NAMES = {H: "H", W: "W", B: "B"}
ODD = sympy.Symbol("s77", integer=True, positive=True)

SIMPLEST = [
    ("number", sympy.Integer(7), "7"),
    ("negative_number", sympy.Integer(-7), "-7"),
    ("symbol", H, "H"),
    ("mnist", 64 * (FloorDiv(H, 2) - 2) * (FloorDiv(W, 2) - 2), "64*((H-4)//2)*((W-4)//2)"),
    ("under_division", FloorDiv(H, 2) - 2, "(H-4)//2"),
    ("over_division", FloorDiv(H, 2) + 2, "(H+4)//2"),
    ("sum_under_division", FloorDiv(H - 3, 2) + 1, "(H-1)//2"),
    ("nested", FloorDiv(FloorDiv(H, 2), 2) - 1, "(H-4)//4"),
    ("common_factor", 16 * FloorDiv(H, 4) - 48, "16*((H-12)//4)"),
    ("common_factor_of_a_sum", 4 * H + 4 * W, "4*(H+W)"),
    ("difference", H - 2, "H-2"),
    ("negative_symbol", -H, "-H"),
    ("number_minus_symbol", 7 - H, "7-H"),
    ("two_symbols", H * W - H, "H*W-H"),
    ("times_difference", 128 * (H - 2) * (W - 2), "128*(H-2)*(W-2)"),
    ("scaled_division", 2 * FloorDiv(H, 2), "2*(H//2)"),
    ("batch", B * 64, "64*B"),
    ("power", H**2, "H**2"),
    ("modulo", Mod(H, 3), "H%3"),
    ("maximum", sympy.Max(1, H - 4), "max(1, H-4)"),
    ("minimum", sympy.Min(H, W), "min(H, W)"),
    ("unnamed", ODD + 1, "s77+1"),
]


@pytest.mark.parametrize(("expr", "text"), [row[1:] for row in SIMPLEST], ids=[row[0] for row in SIMPLEST])
def test_simplest_form(expr: sympy.Expr, text: str) -> None:
    assert formula(expr, NAMES) == text


@pytest.mark.xfail(strict=True, reason="a division of a division that a number was taken from stays nested")
def test_divisions_become_one() -> None:
    """Two blocks of a 3x3 convolution and a pool: `((H-6)//2)//2` is `(H-6)//4`."""
    assert formula(FloorDiv(FloorDiv(H - 2, 2) - 2, 2), NAMES) == "(H-6)//4"


DERIVED = [
    (
        "mnist",
        64 * (FloorDiv(H, 2) - 2) * (FloorDiv(W, 2) - 2),
        {H: 28, W: 28},
        "64 * ((28-4)//2) * ((28-4)//2) = 64 * 12 * 12 = 9216",
    ),
    ("one_factor", FloorDiv(H, 2) - 2, {H: 28}, "(28-4)//2 = 12"),
    ("difference", H - 2, {H: 24}, "24-2 = 22"),
    ("product", 3 * H * W, {H: 4, W: 5}, "3 * 4 * 5 = 60"),
]


@pytest.mark.parametrize(("expr", "values", "text"), [r[1:] for r in DERIVED], ids=[r[0] for r in DERIVED])
def test_derivation(expr: sympy.Expr, values: Mapping[sympy.Symbol, int], text: str) -> None:
    assert derivation(expr, values) == text


def test_no_derivation_of_a_number() -> None:
    assert derivation(sympy.Integer(12), {H: 3}) is None


def test_no_derivation_of_a_symbol_alone() -> None:
    assert derivation(H, {H: 3}) is None


def test_no_derivation_without_all_numbers() -> None:
    assert derivation(H * W, {H: 3}) is None


def expressions(*, signs: bool = True) -> st.SearchStrategy[sympy.Expr]:
    """Sums, products and floor divisions of sizes and small numbers."""
    numbers = st.integers(-9 if signs else 0, 9).map(sympy.Integer)
    leaves = st.sampled_from([H, W, B]) | numbers
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda pair: pair[0] + pair[1]),
            st.tuples(inner, inner).map(lambda pair: pair[0] - pair[1]),
            st.tuples(inner, inner).map(lambda pair: pair[0] * pair[1]),
            st.tuples(inner, st.integers(1, 9)).map(lambda pair: FloorDiv(pair[0], sympy.Integer(pair[1]))),
        ),
        max_leaves=12,
    )


sizes = st.integers(2, 60)
points = st.fixed_dictionaries({H: sizes, W: sizes, B: sizes})


def value_of(expr: sympy.Expr, values: Mapping[sympy.Symbol, int]) -> int:
    result = expr.xreplace({symbol: sympy.Integer(value) for symbol, value in values.items()})
    return int(result)


@settings(max_examples=150, deadline=None)
@given(expressions(), points)
@example(-FloorDiv(H, 2), {H: 5, W: 2, B: 2})
@example(3 - FloorDiv(H, 2), {H: 5, W: 2, B: 2})
@example(FloorDiv(-H, 2), {H: 5, W: 2, B: 2})
@example(H * FloorDiv(W, 2), {H: 5, W: 3, B: 2})
@example(-(H + W) * B, {H: 5, W: 3, B: 2})
@example(H - (W - B), {H: 5, W: 3, B: 2})
@example(-2 * (H - 3) * FloorDiv(W - 1, 2), {H: 5, W: 4, B: 2})
def test_a_formula_says_the_number(expr: sympy.Expr, values: dict[sympy.Symbol, int]) -> None:
    text = formula(expr, NAMES)
    names: dict[str, int] = {NAMES[symbol]: value for symbol, value in values.items()}
    assert eval(text, {"max": max, "min": min}, names) == value_of(expr, values)  # noqa: S307


@settings(max_examples=100, deadline=None)
@given(expressions(), points)
@example(FloorDiv(H, 2) * (W - 1) * -3, {H: 5, W: 4, B: 2})
def test_every_step_of_a_derivation_is_the_number(expr: sympy.Expr, values: dict[sympy.Symbol, int]) -> None:
    text = derivation(expr, values)
    assume(text is not None)
    assert text is not None
    assert {eval(step) for step in text.split(" = ")} == {value_of(expr, values)}  # noqa: S307


@settings(max_examples=60, deadline=None)
@given(expressions(signs=False), points)
def test_extremes_print_as_calls(expr: sympy.Expr, values: dict[sympy.Symbol, int]) -> None:
    text = formula(sympy.Max(expr, H - 3), NAMES)
    names: dict[str, int] = {NAMES[symbol]: value for symbol, value in values.items()}
    expected = max(value_of(expr, values), values[H] - 3)
    assert eval(text, {"max": max, "min": min}, names) == expected  # noqa: S307
    assert math.isfinite(expected)
