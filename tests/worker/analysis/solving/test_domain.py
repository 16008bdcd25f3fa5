"""What becomes of every input size along a trail."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._sympy.functions import FloorDiv, Mod

from convlint.facts import Reason
from convlint.worker.analysis.solving.domain import (
    ACCEPTED,
    REJECTED,
    STOPPED,
    UNCOVERED,
    Axis,
    Domain,
    fates,
    fates_at,
    grouped,
)
from convlint.worker.trace.trail import Assumption, Event, Key, Requirement, Stop, TraceStopped

D, H, W = (sympy.Symbol(name, integer=True, positive=True) for name in "DHW")
SIZES = np.arange(2, 12, dtype=np.int64)
LINE = Domain((Axis((H,), SIZES),), {})
KEY: Key = ("layer", "need", "operand")


def requirement(condition: sympy.Basic, key: Key = KEY) -> Requirement:
    return Requirement(key[1], key[2], condition, sympy.Integer(0), sympy.Integer(0), key)


def along(*events: Event, forgiven: tuple[Key, ...] = ()) -> list[int]:
    return [int(fate) for fate in fates(LINE, events, forgiven)]


def marks(first: int, then: int, change: int) -> list[int]:
    """One fate for sizes below `change`, another one from there on."""
    return [first if size < change else then for size in SIZES]


def test_nothing_asked_is_accepted() -> None:
    assert along() == [ACCEPTED] * len(SIZES)


def test_a_broken_need_rejects() -> None:
    assert along(requirement(sympy.Ge(H, 5))) == marks(REJECTED, ACCEPTED, 5)


def test_a_broken_assumption_leaves_the_size_to_others() -> None:
    assert along(Assumption(sympy.Ge(H, 5))) == marks(UNCOVERED, ACCEPTED, 5)


@pytest.mark.parametrize(
    ("event", "fate"),
    [(TraceStopped(Reason(kind="loop-on-data")), STOPPED), (Stop("why", 0, KEY), REJECTED)],
    ids=["halt", "stop"],
)
def test_an_end_decides_what_reaches_it(event: Event, fate: int) -> None:
    assert along(Assumption(sympy.Ge(H, 5)), event) == marks(UNCOVERED, fate, 5)


def test_the_first_broken_event_decides() -> None:
    assert along(requirement(sympy.Lt(H, 5)), Assumption(sympy.Lt(H, 3))) == [
        ACCEPTED if size < 3 else UNCOVERED if size < 5 else REJECTED for size in SIZES
    ]


def test_a_forgiven_need_rejects_nothing() -> None:
    assert along(requirement(sympy.Ge(H, 5)), requirement(sympy.Lt(H, 9), ("b", "", "")), forgiven=(KEY,)) == marks(
        ACCEPTED, REJECTED, 9
    )


def test_nothing_is_known_behind_a_forgiven_stop() -> None:
    assert along(Stop("why", 0, KEY), requirement(sympy.false), forgiven=(KEY,)) == [ACCEPTED] * len(SIZES)


def test_what_has_no_value_decides_nothing() -> None:
    assert along(requirement(sympy.Eq(sympy.Function("odd")(H), 1))) == [STOPPED] * len(SIZES)


def test_without_axes_there_is_one_point() -> None:
    assert fates(Domain((), {H: 4}), [requirement(sympy.Ge(H, 5))]).shape == ()


def test_sizes_that_go_together() -> None:
    square = Domain((Axis((H, W), SIZES),), {})
    assert [int(f) for f in fates(square, [requirement(sympy.Eq(H, W))])] == [ACCEPTED] * len(SIZES)
    assert square.point((3,)) == {H: 5, W: 5}


def test_a_fixed_size_stands_beside_the_axes() -> None:
    domain = Domain((Axis((H,), SIZES),), {W: 7})
    assert [int(f) for f in fates(domain, [requirement(sympy.Lt(H, W))])] == marks(ACCEPTED, REJECTED, 7)
    assert domain.point((0,)) == {H: 2, W: 7}


def test_some_points_have_the_fates_of_the_whole_grid() -> None:
    grid = Domain((Axis((H,), SIZES), Axis((W,), SIZES)), {})
    events: list[Event] = [Assumption(sympy.Lt(H, 8)), requirement(sympy.Lt(H * W, 40))]
    index = (np.asarray([0, 3, 9], dtype=np.intp), np.asarray([5, 9, 1], dtype=np.intp))
    assert (fates_at(grid, index, events) == fates(grid, events)[index]).all()


def test_one_size_stands_for_all_that_nothing_tells_apart() -> None:
    condition = sympy.Ge(FloorDiv(H, 1024), 2)
    (axis,) = grouped([H], [[requirement(condition)]], 1 << 20).axes
    assert list(axis.values) == [2, 2048]


def test_sizes_that_meet_in_one_condition_are_told_apart_by_their_parts() -> None:
    condition = sympy.Ge(FloorDiv(H, 1000) + FloorDiv(W, 2000), 4)
    axes = grouped([H, W], [[Assumption(condition)]], 1 << 20).axes
    assert [list(axis.values) for axis in axes] == [[2, 1000, 2000, 3000, 4000], [2, 2000, 4000]]


def test_a_factor_that_divides_no_product_is_like_any_other_such() -> None:
    condition = sympy.Eq(FloorDiv(H, 1000) * FloorDiv(W, 2000), 4)
    axes = grouped([H, W], [[Assumption(condition)]], 1 << 20).axes
    assert [list(axis.values) for axis in axes] == [[2, 1000, 2000, 4000], [2, 2000, 4000]]


def test_a_size_that_nothing_asks_about_has_one_value() -> None:
    assert [len(axis.values) for axis in grouped([H, W], [[requirement(sympy.Ge(H, 5))]], 1 << 20).axes] == [2, 1]


def test_the_grid_has_no_more_points_than_allowed() -> None:
    domain = grouped([H, W], [[requirement(sympy.Lt(H * W, 77))]], 5000)
    assert 1 <= np.prod(domain.shape) <= 5000


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 400), st.integers(0, 12), st.integers(2, 4096))
def test_a_group_shares_one_fate(divisor: int, wanted: int, size: int) -> None:
    events = [requirement(sympy.Eq(FloorDiv(H, divisor), wanted, evaluate=False))]
    domain = grouped([H], [events], 1 << 20)
    values = domain.axes[0].values
    alone = fates(Domain((Axis((H,), np.asarray([size])),), {}), events)[0]
    like = [
        fate
        for value, fate in zip(values, fates(domain, events), strict=True)
        if (value // divisor == wanted) == (size // divisor == wanted)
    ]
    assert set(map(int, like)) == {int(alone)}


PRODUCTS = st.builds(
    lambda a, b, c, d: a * (H - b) * FloorDiv(W + c, d),
    st.integers(1, 6),
    st.integers(0, 3),
    st.integers(-3, 3),
    st.integers(1, 4),
)


@settings(max_examples=60, deadline=None)
@given(PRODUCTS, st.integers(1, 240), st.booleans(), st.lists(st.tuples(st.integers(2, 60), st.integers(2, 60))))
def test_a_product_groups_no_sizes_that_it_tells_apart(
    product: sympy.Expr, number: int, is_multiple: bool, points: list[tuple[int, int]]
) -> None:
    """Of what must equal a number or be a multiple of it: each pair of sizes has the fate of what stands for it."""
    condition = sympy.Eq(Mod(product, number) if is_multiple else product, 0 if is_multiple else number, evaluate=False)
    events = [requirement(condition)]
    domain = grouped([H, W], [events], 1 << 24)
    fate = fates(domain, events)
    for point in points:
        stands = [int(np.asarray(axis.classes)[size - 2]) for axis, size in zip(domain.axes, point, strict=True)]
        alone = fates(Domain((), dict(zip((H, W), point, strict=True))), events)
        assert int(fate[tuple(stands)]) == int(alone)


def test_three_sizes_in_one_product_are_decided() -> None:
    condition = sympy.Eq(6 * (D - 1) * (H - 3) * (W - 2), 4200)
    domain = grouped([D, H, W], [[requirement(condition)]], 1 << 20)
    assert domain.is_whole
    assert (fates(domain, [requirement(condition)]) == ACCEPTED).any()
