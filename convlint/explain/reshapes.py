"""Which sizes of a tensor a reshape joins and which it splits: `64 * 12 * 12 = 9216`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile

from convlint.facts import Dim
from convlint.ops.expression import Values, times, work_out
from convlint.ops.operation import Shape

Group = tuple[Shape, Shape]


def regrouped(before: Shape, after: Shape, samples: Sequence[Values]) -> tuple[Group, ...]:
    """The groups of neighbouring sizes that a reshape turns into each other, those that stay left out.

    None are told where the two shapes do not have the same number of elements for the samples.
    """
    old, new = ([_numbers(size, samples) for size in shape] for shape in (before, after))
    groups: list[Group] = []
    i = j = 0
    while i < len(old) or j < len(new):
        end, stop = _next_group(old, new, i, j)
        if end is None:
            return ()
        if len(before[i:end]) != 1 or len(after[j:stop]) != 1:
            groups.append((before[i:end], after[j:stop]))
        i, j = end, stop
    return tuple(groups)


def equation(group: Group) -> str:
    """`64 * 12 * 12 = 9216` where sizes are joined, `512 = 8 * 64` where one is split."""
    before, after = (str(side[0]) if len(side) == 1 else times(side) for side in group)
    return f"{before} = {after}"


def _next_group(
    old: Sequence[tuple[int, ...] | None], new: Sequence[tuple[int, ...] | None], i: int, j: int
) -> tuple[int | None, int]:
    """Where the next sizes with equal products end."""
    left, right = _product(old[i : i + 1]), _product(new[j : j + 1])
    end, stop = min(i + 1, len(old)), min(j + 1, len(new))
    while left is not None and right is not None and left != right:
        if left[0] < right[0] and end < len(old):
            end += 1
            left = _product(old[i:end])
        elif stop < len(new):
            stop += 1
            right = _product(new[j:stop])
        elif end < len(old):
            end += 1
            left = _product(old[i:end])
        else:
            return None, 0
    if left is None or right is None:
        return None, 0
    # Sizes of 1 at the end of both belong to the last group.
    while end < len(old) and stop == len(new) and set(old[end] or ()) == {1}:
        end += 1
    return end, stop


def _product(sizes: Sequence[tuple[int, ...] | None]) -> tuple[int, ...] | None:
    result: tuple[int, ...] | None = None
    for size in sizes:
        if size is None:
            return None
        result = size if result is None else tuple(a * b for a, b in zip(result, size, strict=True))
    return result


def _numbers(size: Dim, samples: Sequence[Values]) -> tuple[int, ...] | None:
    numbers = [work_out(size, values) for values in samples]
    known = list(takewhile(lambda number: number is not None, numbers))
    return tuple(number for number in known if number is not None) if len(known) == len(numbers) else None


def joined(groups: Sequence[Group]) -> Iterator[Group]:
    """Those groups in which several sizes become one."""
    return (group for group in groups if len(group[0]) > 1 and len(group[1]) == 1)
