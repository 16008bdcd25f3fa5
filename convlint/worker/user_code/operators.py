"""Schemas of operators whose compiled code does not load: shapes need no more than these."""

from __future__ import annotations

import sys

import torch

# What torchvision registers fake kernels for while it is imported, whether its library loaded or not.
_TORCHVISION = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_kept: list[torch.library.Library] = []  # the definitions live as long as these


def define_missing(error: Exception) -> bool:
    """Define the operators that an import missed; true if a second attempt is worth it."""
    if "torchvision" not in str(error) or _kept:
        return False
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    _kept.append(library)
    for schema in _TORCHVISION:
        try:
            library.define(schema)  # type: ignore[no-untyped-call]
        except RuntimeError:  # this one did load
            continue
    for name in [name for name in sys.modules if name == "torchvision" or name.startswith("torchvision.")]:
        del sys.modules[name]
    return True
