"""In which dtype a model computes, fake or real."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from convlint.hardware import Precision
from convlint.inputspec import InputSpec

_DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}
AUTOCAST = {"autocast": torch.bfloat16, "autocast-fp16": torch.float16}


def cast_of(precision: Precision) -> torch.dtype | None:
    """What weights and inputs are cast to; None where they stay as they are."""
    return _DTYPES.get(precision)


def lowered(spec: InputSpec, precision: Precision) -> InputSpec:
    """An input as a model of this precision takes it: a float32 tensor goes with the weights."""
    dtype = cast_of(precision)
    if dtype is None:
        return spec
    changed: dict[str, object] = {}
    if spec.dtype == "float32":
        changed["dtype"] = str(dtype).removeprefix("torch.")
    if spec.list is not None:
        changed["list"] = tuple(lowered(one, precision) for one in spec.list)
    if spec.dict is not None:
        changed["dict"] = {key: lowered(one, precision) for key, one in spec.dict.items()}
    return spec.model_copy(update=changed)


@contextmanager
def computing(precision: Precision, device_type: str) -> Iterator[None]:
    """The context of a run in this precision."""
    lower = AUTOCAST.get(precision)
    if lower is None:
        yield
        return
    with torch.autocast(device_type, lower):
        yield


def computing_dtype(precision: Precision) -> torch.dtype:
    """The coarsest dtype that numbers go through."""
    return AUTOCAST.get(precision) or cast_of(precision) or torch.float32
