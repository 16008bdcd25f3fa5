"""Conditions on sizes, held against whole numbers."""

from __future__ import annotations

import math

import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from convlint.worker.torch_private.symbols import new_env, new_symbol
from convlint.worker.values.sizes import divides, holds_at

NAMES = ("D", "H", "W")
factors = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(1, 6), st.integers(-7, 7)), min_size=1, max_size=3)
sizes = st.fixed_dictionaries({name: st.integers(8, 40) for name in NAMES})


@settings(deadline=None)
@given(factors=factors, front=st.integers(1, 12), divisor=st.integers(2, 96), at=sizes)
def test_divides_is_what_division_says(
    factors: list[tuple[str, int, int]], front: int, divisor: int, at: dict[str, int]
) -> None:
    env = new_env()
    made = {name: new_symbol(env, name, 50 + i) for i, name in enumerate(NAMES)}
    product = math.prod((scale * made[name][0] + shift for name, scale, shift in factors), start=front)
    number = math.prod((scale * at[name] + shift for name, scale, shift in factors), start=front)
    numbers = {symbol: sympy.Integer(at[name]) for name, (_, symbol) in made.items()}
    assert holds_at(divides(divisor, product), numbers) == (number % divisor == 0)


def test_what_sympy_takes_for_a_multiple_is_none() -> None:
    env = new_env()
    a, b, c = (new_symbol(env, name, hint)[0] for name, hint in (("D", 50), ("H", 51), ("W", 52)))
    assert divides(90, (6 * a - 42) * (b - 7) * (c - 7)) is not sympy.true
    assert divides(6, (6 * a - 42) * (b - 7) * (c - 7)) is sympy.true
