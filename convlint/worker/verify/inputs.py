"""Real inputs: seeded numbers in the shapes of a prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from convlint.facts import RunInput
from convlint.hardware import Precision
from convlint.inputspec import InputSpec
from convlint.worker.trace.forward_parameters import parts_of
from convlint.worker.trace.input import Input, assembled
from convlint.worker.trace.origin import GUESSED
from convlint.worker.values.precision import lowered

_FEW = 2
"""What integers stay below whose bound nobody gave: every table and every count of classes has so many."""


def arguments(
    model: nn.Module, given: Sequence[RunInput], device: torch.device, precision: Precision
) -> tuple[list[Any], dict[str, Any]]:
    """What forward is called with, by position and by keyword."""
    generator = torch.Generator().manual_seed(0)
    values = [
        (
            Input(item.name, item.spec, GUESSED, keyword=item.keyword, within=item.within, filled=item.filled),
            _value(item, generator, device, precision),
        )
        for item in given
    ]
    parts = parts_of(model) if any(item.within for item in given) else {}
    return assembled(parts, values)


def _value(item: RunInput, generator: torch.Generator, device: torch.device, precision: Precision) -> Any:
    if item.filled is not None and item.spec.shape is not None:
        return torch.full(_sizes(item.spec), item.filled, dtype=torch.int64, device=device)
    spec = lowered(item.spec, precision)
    if item.numbers is not None:
        dtype: torch.dtype = getattr(torch, spec.dtype)
        return torch.tensor(item.numbers, dtype=torch.float64).to(dtype).reshape(_sizes(spec)).to(device)
    return _made(spec, generator, device)


def _made(spec: InputSpec, generator: torch.Generator, device: torch.device) -> Any:
    if spec.list is not None:
        return [_made(item, generator, device) for item in spec.list]
    if spec.dict is not None:
        return {key: _made(item, generator, device) for key, item in spec.dict.items()}
    if spec.shape is None:
        return spec.value
    dtype: torch.dtype = getattr(torch, spec.dtype)
    shape = _sizes(spec)
    if dtype.is_floating_point or dtype.is_complex:  # made on the CPU, so that each device gets the same numbers
        return torch.rand(shape, generator=generator).to(device, dtype)
    if dtype == torch.bool:
        return torch.ones(shape, dtype=dtype, device=device)
    return torch.randint(0, spec.high or _FEW, shape, generator=generator).to(device, dtype)


def _sizes(spec: InputSpec) -> list[int]:
    return [int(size) for size in spec.shape or ()]
