"""Weights of a real model: seeded, and nan where nobody has initialised them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
import torch.utils.deterministic


@contextmanager
def seeded(seed: int = 0) -> Iterator[None]:
    """The same random numbers each time. Memory that `torch.empty` gives holds nan, as it might at any time."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = True  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
