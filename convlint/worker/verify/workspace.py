"""What matrix products take for themselves: torch gives cuBLAS a workspace, out of its own allocator."""

from __future__ import annotations

import os
import re

import torch

PRODUCTS = frozenset({"mm", "addmm", "bmm", "baddbmm", "addbmm", "addmv", "mv", "dot"})
"""The operations that go to cuBLAS, as torch's dispatcher calls them."""
_SETTING = "CUBLAS_WORKSPACE_CONFIG"
_PAIR = re.compile(r":(\d+):(\d+)")  # of kilobytes, and how many of them
_KILOBYTE = 1024
_USUAL = 2 * 4096 * _KILOBYTE + 8 * 16 * _KILOBYTE
_LARGE = 8 * 4096 * _KILOBYTE
_WITH_LARGE = (9, 10, 12)
"""Capabilities of devices, Hopper and later, that get the large one."""


def workspace(device: torch.device) -> int:
    """Bytes of the workspace for products on a device (torch: aten/src/ATen/cuda/CublasHandlePool.cpp).

    0 for devices other than CUDA's. What cuDNN takes for a convolution depends on the algorithm that it chooses.
    """
    if device.type != "cuda":
        return 0
    chosen = os.environ.get(_SETTING)
    if chosen is not None:
        return configured(chosen)
    return _LARGE if torch.cuda.get_device_capability(device)[0] in _WITH_LARGE else _USUAL


def configured(text: str) -> int:
    """Bytes by the variable of the environment, as ":4096:2:16:8"; the usual ones where it makes no sense."""
    if re.fullmatch(f"(?:{_PAIR.pattern})+", text) is None:
        return _USUAL
    return sum(int(size) * int(count) for size, count in _PAIR.findall(text)) * _KILOBYTE
