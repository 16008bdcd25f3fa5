"""What models may be run on, and what they may compute in."""

from __future__ import annotations

import re
from typing import Literal, get_args

Precision = Literal["fp32", "fp16", "bf16", "autocast", "autocast-fp16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

AUTO = "auto"
"""The accelerator of the machine, else its CPU."""
_DEVICE = re.compile(r"(auto|cpu|(cuda|mps|xpu|hpu|npu)(:\d+)?)")


def check_device(name: str) -> str:
    """The name of a device, whether it is there or not. Raises ValueError for what can be none."""
    if _DEVICE.fullmatch(name) is None:
        raise ValueError(f'"{name}" is not a device; write cuda, cuda:1, mps, xpu or cpu')
    return name


_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*(MB|GB|MiB|GiB)", re.IGNORECASE)
_UNITS = {"mb": 1 << 20, "gb": 1 << 30, "mib": 1 << 20, "gib": 1 << 30}
_CONTEXT = 600 << 20


def card_memory(text: str) -> int:
    """The bytes of a card of "24GB" that tensors may take: what its driver keeps is left out.

    Cards are sold in units of 2**30 bytes. Raises ValueError.
    """
    found = _MEMORY.fullmatch(text.strip())
    bytes_ = float(found[1]) * _UNITS[found[2].lower()] if found is not None else 0.0
    if bytes_ <= _CONTEXT:
        raise ValueError(f'"{text}" is not a memory size; write it as 24GB, more than 600MB')
    return int(bytes_) - _CONTEXT
