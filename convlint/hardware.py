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
        raise ValueError(f'"{name}" is no device; write cuda, cuda:1, mps, xpu or cpu')
    return name
