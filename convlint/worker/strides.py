"""How a tensor's numbers lie in memory, as far as a later `view` depends on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from convlint.worker.torch_private import hint_of


@dataclass(frozen=True)
class Strides:
    """The dims from the largest stride to the smallest one; without gaps between the numbers where it is dense."""

    order: tuple[int, ...]
    is_dense: bool = True

    @property
    def is_contiguous(self) -> bool:
        return self.is_dense and self.is_in_order

    @property
    def is_in_order(self) -> bool:
        return self.order == tuple(range(len(self.order)))


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
    if 0 in shape or _is_dense(shape, strides, range(len(shape))):
        return contiguous(len(shape))
    return None if 1 in shape or 0 in strides else Strides(order, _is_dense(shape, strides, order))


def _is_dense(shape: Sequence[int], strides: Sequence[int], order: Sequence[int]) -> bool:
    """Whether each dim of this order goes on where the ones behind it end."""
    expected = 1
    for dim in reversed(order):
        if shape[dim] != 1 and strides[dim] != expected:
            return False
        expected *= shape[dim]
    return True
