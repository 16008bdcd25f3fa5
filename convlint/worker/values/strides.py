"""How a tensor's numbers are in memory, as far as a later `view` depends on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch

from convlint.worker.torch_private.symbols import hint_of


@dataclass(frozen=True)
class Strides:
    """The dims from the largest stride to the smallest one.

    Behind each item of a loose dim there may be a gap: it may not go on where the next dim of the order ends.
    """

    order: tuple[int, ...]
    loose: frozenset[int] = frozenset()

    @property
    def is_dense(self) -> bool:
        return not self.loose

    @property
    def is_contiguous(self) -> bool:
        return self.is_dense and self.is_in_order

    @property
    def is_in_order(self) -> bool:
        return self.order == tuple(range(len(self.order)))

    def cut(self, dims: Iterable[int]) -> Strides:
        """Of a piece that leaves out some items of these dims: the items of the dims around them lie further apart."""
        around = {outer for outer, dim in pairwise(self.order) if dim in dims}
        return Strides(self.order, self.loose | around)

    def without(self, gone: Sequence[int]) -> Strides:
        """Of a piece with one item of each of these dims."""
        loose, kept = set[int](self.loose), list[int]()
        for dim in self.order:
            if dim in gone:
                loose.update(kept[-1:])
            else:
                kept.append(dim)
        number = {dim: dim - sum(one < dim for one in gone) for dim in kept}
        return Strides(tuple(number.values()), frozenset(number[dim] for dim in kept if dim in loose))


def contiguous(rank: int) -> Strides:
    return Strides(tuple(range(rank)))


def of_tensor(x: torch.Tensor) -> Strides | None:
    """Those of a tensor whose sizes are plain numbers; None where a size of 1 leaves the order open."""
    return _of(x.shape, x.stride())


def of_fake(x: torch.Tensor) -> Strides | None:
    """Those that a fake tensor has at the sizes of its trace, read without a guard."""
    if x.layout is not torch.strided:
        return None
    known = [hint for size in (*x.shape, *x.stride()) if (hint := hint_of(size)) is not None]
    return _of(known[: x.dim()], known[x.dim() :]) if len(known) == 2 * x.dim() else None


def _of(shape: Sequence[int], strides: Sequence[int]) -> Strides | None:
    order = tuple(sorted(range(len(shape)), key=lambda dim: -strides[dim]))
    if 0 in shape or _is_contiguous(shape, strides):
        return contiguous(len(shape))
    if 1 in shape or 0 in strides:
        return None
    ends = [shape[dim] * strides[dim] for dim in order[1:]]
    return Strides(order, frozenset(dim for dim, end in zip(order, [*ends, 1], strict=True) if strides[dim] != end))


def _is_contiguous(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether each dim goes on where the ones after it end."""
    expected = 1
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True
