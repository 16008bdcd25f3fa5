"""Numbers that windows are given once, or once a spatial dim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def per_dim(value: Any, rank: int) -> list[Any]:
    """One number a spatial dim, from an int or a sequence."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [value[0]] * rank if len(value) == 1 else list(value)
    return [value] * rank
