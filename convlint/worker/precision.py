"""In which dtype a model computes, fake or real."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from convlint.hardware import Precision

_DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
_AUTOCAST = {"autocast": torch.bfloat16, "autocast-fp16": torch.float16}


def dtype_of(precision: Precision) -> torch.dtype:
    """That of weights and inputs; autocast leaves them in float32."""
    return _DTYPES.get(precision, torch.float32)


def dtype_in(precision: Precision, dtype: str) -> str:
    """The dtype that an input has: a float32 one goes with the weights."""
    return str(dtype_of(precision)).removeprefix("torch.") if dtype == "float32" else dtype


@contextmanager
def computing(precision: Precision, device_type: str) -> Iterator[None]:
    """The context of a run in this precision."""
    lower = _AUTOCAST.get(precision)
    if lower is None:
        yield
        return
    with torch.autocast(device_type, lower):
        yield


def computing_dtype(precision: Precision) -> torch.dtype:
    """The coarsest dtype that numbers go through."""
    return _AUTOCAST.get(precision, dtype_of(precision))
