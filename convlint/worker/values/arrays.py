"""Tensors of a run as facts: fake ones of a trace and real ones alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from convlint.facts import Array
from convlint.worker.values.nesting import tensors_in


def arrays(value: Any, *, on_device: bool) -> tuple[Array, ...]:
    """The tensors in a value; a trace knows one device only, and does not tell of it."""
    return tuple(_arrays(value, on_device))


def _arrays(value: Any, on_device: bool) -> Iterator[Array]:
    for x in tensors_in(value):
        dtype, device = str(x.dtype).removeprefix("torch."), x.device.type if on_device else None
        shape = _shape(x)
        if None in shape or x.layout is not torch.strided:
            yield Array(shape=shape, dtype=dtype, device=device)
            continue
        yield Array(
            shape=shape,
            dtype=dtype,
            device=device,
            contiguous=x.is_contiguous(),
            channels_last=x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last),
        )


def _shape(x: torch.Tensor) -> tuple[int | None, ...]:
    """None for a size that depends on data; a nested tensor has no shape at all."""
    try:
        return tuple(size if isinstance(size, int) else None for size in x.shape)
    except RuntimeError:
        return (None,)
