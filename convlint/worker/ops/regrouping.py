"""The strides of the same numbers in another shape: those of a view, where memory allows one, or of a new tensor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import sympy

from convlint.worker.values.sizes import Size, divides, equal
from convlint.worker.values.strides import Strides, contiguous

Group = tuple[range, range]
"""Dims of the old shape that hold the same numbers as dims of the new one."""
_VIEW: Final = "view"
_COPY: Final = "copy"


def reshaped(strides: Strides, before: Sequence[Size], after: Sequence[Size], *, copies: bool) -> Strides | None:
    """None where it is not known, or where the call may not copy and would have to. No size is 1."""
    together = list(groups(before, after))
    ways = [_way(strides, group) for group in together]
    if _COPY in ways:
        return contiguous(len(after)) if copies else None
    if None in ways:
        return None
    order, loose = list[int](), set[int]()
    new_of = {old[0]: new for old, new in together}
    for dim in strides.order:
        order += new_of.get(dim, ())
    for old, new in together:
        loose |= {new[-1]} if old[-1] in strides.loose else set()
    return Strides(tuple(order), frozenset(loose))


def _way(strides: Strides, group: Group) -> str | None:
    """Whether the dims of a group can be seen as one: those that follow each other in memory without gaps."""
    old, new = group
    if not old or not new:
        return None
    if len(old) == 1:
        return _VIEW
    at = strides.order.index(old[0])
    if strides.order[at : at + len(old)] == tuple(old):
        return None if strides.loose & set(old[:-1]) else _VIEW
    return _COPY if len(new) == 1 else None


def groups(before: Sequence[Size], after: Sequence[Size]) -> Iterator[Group]:
    """The smallest groups that the formulas of the sizes tell; dims that stay are groups of one."""
    start, end = _untouched(before, after)
    olds, news = len(before) - end, len(after) - end
    yield from ((range(i, i + 1), range(i, i + 1)) for i in range(start))
    i = j = start
    while i < olds or j < news:
        found = _next(before[i:olds], after[j:news])
        yield range(i, i + found[0]), range(j, j + found[1])
        i, j = i + found[0], j + found[1]
    yield from ((range(olds + k, olds + k + 1), range(news + k, news + k + 1)) for k in range(end))


def _next(before: Sequence[Size], after: Sequence[Size]) -> tuple[int, int]:
    """How many dims of both shapes hold the same numbers; all of them where the formulas do not tell."""
    if not before or not after:
        return len(before), len(after)
    i = j = 1
    old, new = before[0], after[0]
    while equal(old, new) is not sympy.true:
        if i < len(before) and divides(old, new) is sympy.true:
            old, i = old * before[i], i + 1
        elif j < len(after) and divides(new, old) is sympy.true:
            new, j = new * after[j], j + 1
        else:
            return len(before), len(after)
    return i, j


def _untouched(before: Sequence[Size], after: Sequence[Size]) -> tuple[int, int]:
    """How many dims at the start, and at the end, stay as they are."""
    most = min(len(before), len(after))
    start = 0
    while start < most and equal(before[start], after[start]) is sympy.true:
        start += 1
    end = 0
    while end < most - start and equal(before[-1 - end], after[-1 - end]) is sympy.true:
        end += 1
    return start, end
