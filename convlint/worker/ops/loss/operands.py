"""A call of a loss: its tensors by their roles, and its options by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
import torch
from torch import nn

from convlint.ops.losses import Loss
from convlint.worker.torch_private.fake import FakeTensor, outside_modes
from convlint.worker.values.contents import numbers
from convlint.worker.values.sizes import Size, equal

_MOST_LABELS = 1 << 16
"""Numbers of a target that are looked at."""


@dataclass(frozen=True, slots=True)
class Operand:
    """A tensor as a loss sees it; `labels` are the distinct whole numbers in it, where they are known."""

    shape: tuple[Size, ...]
    dtype: torch.dtype
    labels: frozenset[int] = frozenset()

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def is_floating(self) -> bool:
        return self.dtype.is_floating_point

    @property
    def is_bool(self) -> bool:
        return self.dtype is torch.bool

    @property
    def is_single(self) -> bool:
        """Whether it is one number, which fits anything."""
        return all(isinstance(size, int) and size == 1 for size in self.shape)


def is_same(a: Size, b: Size) -> bool:
    """Whether two sizes are equal at every input size."""
    return equal(a, b) is sympy.true


def no_batch(size: Size) -> bool:
    """Where it is not known which size is the batch."""
    del size
    return False


@dataclass(frozen=True, slots=True)
class LossCall:
    """One call of a loss. `is_batch` says whether a size is the batch; `casts` whether autocast is on."""

    loss: Loss
    operands: Mapping[str, Operand]
    options: Mapping[str, Any] = field(default_factory=dict)
    is_batch: Callable[[Size], bool] = no_batch
    casts: bool = False

    def __getitem__(self, role: str) -> Operand:
        return self.operands[role]

    @property
    def is_whole(self) -> bool:
        """Whether all that the loss compares is given, and real numbers."""
        complex_ones = (x for x in self.operands.values() if x.dtype.is_complex)
        return all(role in self.operands for role in self.loss.roles) and not any(complex_ones)

    @property
    def reduction(self) -> str:
        mean, reduces = self.options.get("size_average"), self.options.get("reduce")
        if mean is None and reduces is None:
            return str(self.options.get("reduction", "mean"))
        return "none" if reduces is False else "sum" if mean is False else "mean"


def operand(x: torch.Tensor) -> Operand:
    """A tensor, with the numbers in it where it is real and holds whole ones."""
    is_whole = not (x.is_floating_point() or x.is_complex() or x.dtype is torch.bool)
    return Operand(tuple(x.shape), x.dtype, frozenset(_numbers_in(x)) if is_whole else frozenset())


def _numbers_in(x: torch.Tensor) -> Iterator[int]:
    """The whole numbers in a tensor, as far as they are known and depend on no size."""
    if isinstance(x, FakeTensor):
        known = numbers(x)
        yield from (one for one in np.array(known, dtype=object).flat if type(one) is int)
    elif not x.is_meta and x.layout is torch.strided and x.numel() <= _MOST_LABELS:
        with outside_modes():
            yield from set(map(int, x.flatten().tolist()))


def arguments(loss: Loss, layer: nn.Module | None, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """What a loss is called with, by the names of the function's parameters."""
    if layer is None:
        return {**dict(zip(loss.parameters, args, strict=False)), **kwargs}
    names = loss.parameters[: len(loss.forward)]
    renamed = dict(zip(loss.forward, names, strict=True))
    given = {**dict(zip(names, args, strict=False)), **{renamed.get(name, name): x for name, x in kwargs.items()}}
    own = {name: getattr(layer, name) for name in loss.parameters if name not in names and hasattr(layer, name)}
    return own | given


def loss_call(
    loss: Loss,
    given: Mapping[str, Any],
    is_batch: Callable[[Size], bool] = no_batch,
    *,
    casts: bool = False,
) -> LossCall:
    """The call of a loss with these arguments."""
    tensors = {name: x for name, x in given.items() if isinstance(x, torch.Tensor)}
    options = {name: x for name, x in given.items() if name not in tensors and x is not None}
    return LossCall(loss, {name: operand(x) for name, x in tensors.items()}, options, is_batch, casts)
