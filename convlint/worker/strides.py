"""How a tensor's numbers lie in memory, as far as a later `view` depends on it."""

from __future__ import annotations

from dataclasses import dataclass

import torch


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
    if x.is_contiguous():
        return contiguous(x.dim())
    if 1 in x.shape or 0 in x.stride():
        return None
    strides = x.stride()
    order = tuple(sorted(range(x.dim()), key=lambda dim: -strides[dim]))
    return Strides(order, x.permute(order).is_contiguous())
