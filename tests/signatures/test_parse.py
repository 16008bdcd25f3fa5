"""The notation of shapes and conditions: what is read is what was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlint.signatures.notation import (
    COMPARISONS,
    ELLIPSIS,
    FUNCTIONS,
    SUMS,
    TERMS,
    Binary,
    Choice,
    Constant,
    Dimension,
    Expression,
    Function,
    Item,
    Name,
    Product,
    Rest,
    Unary,
    format_expression,
    format_shape,
    names_in,
)
from convlint.signatures.parse import NotationError, parse_expression, parse_shape

NAMES = st.sampled_from(["b", "c", "h", "kernel_size", "_", "x1"])
CONSTANTS = st.one_of(
    st.integers(0, 999), st.sampled_from([True, False, None, 0.5, 16.0]), st.sampled_from(["auto", "x y", ""])
).map(Constant)


def _wider(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    rests = st.one_of(st.just(Rest(ELLIPSIS)), st.builds(Rest, NAMES, st.none() | inner, st.none() | inner))
    several = st.lists(st.one_of(inner, rests), min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Item, NAMES, inner),
        st.builds(Unary, st.sampled_from(["-", "not"]), inner),
        st.builds(Binary, st.sampled_from([*COMPARISONS, *SUMS, *TERMS, "and", "or"]), inner, inner),
        st.builds(Choice, inner, inner, inner),
        st.builds(Function, st.sampled_from(FUNCTIONS), st.lists(inner, min_size=1, max_size=2).map(tuple)),
        st.builds(Product, st.one_of(st.just(()), several, rests.map(lambda rest: (rest,)))),
    )


EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(CONSTANTS | st.builds(Name, NAMES), _wider, max_leaves=8)
DIMENSIONS: st.SearchStrategy[Dimension] = st.one_of(
    EXPRESSIONS,
    st.just(Rest(ELLIPSIS)),
    st.builds(Rest, NAMES, st.none() | EXPRESSIONS, st.none() | EXPRESSIONS),
)


@given(EXPRESSIONS)
def test_an_expression_is_read_as_it_is_written(expression: Expression) -> None:
    assert parse_expression(format_expression(expression)) == expression


@given(st.lists(DIMENSIONS, max_size=5).map(tuple))
def test_a_shape_is_read_as_it_is_written(shape: tuple[Dimension, ...]) -> None:
    assert parse_shape(format_shape(shape)) == shape


B, C, H, P = Name("b"), Name("c"), Name("h"), Name("p")


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("", ()),
        ("b c 3", (B, C, Constant(3))),
        ("*batch c", (Rest("batch"), C)),
        ("b ...", (B, Rest(ELLIPSIS))),
        ("b (h p) c", (B, Product((H, P)), C)),
        ("()", (Product(()),)),
        ("b h*p", (B, Binary("*", H, P))),
        ("b h * p", (B, Binary("*", H, P))),
        ("b *h", (B, Rest("h"))),
        ("b (h - p)//2 + 1 c", (B, Binary("+", Binary("//", Binary("-", H, P), Constant(2)), Constant(1)), C)),
        ("*s[:c] h *s[c + 1:]", (Rest("s", None, C), H, Rest("s", Binary("+", C, Constant(1)), None))),
        ("stride[0] b", (Item("stride", Constant(0)), B)),
    ],
)
def test_shapes(text: str, shape: tuple[Dimension, ...]) -> None:
    assert parse_shape(text) == shape


def test_precedence_is_that_of_python() -> None:
    assert parse_expression("not b == c and h or p") == Binary(
        "or", Binary("and", Unary("not", Binary("==", B, C)), H), P
    )
    assert parse_expression("b - c - h") == Binary("-", Binary("-", B, C), H)
    assert parse_expression("b is not None") == Binary("is not", B, Constant(None))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("b (h w", "'b (h w': `)` is missing at its end"),
        ("b $", "'b $': '$' at column 3 is not part of the notation"),
        ("b +", "'b +': a size or a value is missing at its end"),
        ("b )", "'b )': the notation ends before ')' (column 3)"),
        ("stride[0", "'stride[0': `]` is missing at its end"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_column(text: str, problem: str) -> None:
    with pytest.raises(NotationError) as caught:
        parse_shape(text)
    assert str(caught.value) == problem


def test_names_are_those_that_need_a_value() -> None:
    (dim,) = parse_shape("(h - k[0])//max(s, 1) + 1")
    assert list(names_in(dim)) == ["h", "k", "s"]
