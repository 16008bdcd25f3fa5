"""Seeds that differ from world to world, so that what is drawn can be told from what is written."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from convlint.worker.dry_run.patches import Patches
from convlint.worker.dry_run.world import current


def _moved(original: Callable[..., Any]) -> Callable[..., Any]:
    def seed(value: Any = None, *args: Any, **kwargs: Any) -> Any:
        current().inventions.append("a seed")
        return original(value + current().seed if isinstance(value, int) else value, *args, **kwargs)

    return seed


class _Generator(torch.Generator):
    """One that a program seeds itself."""

    def manual_seed(self, seed: int) -> torch.Generator:
        current().inventions.append("a seed")
        return super().manual_seed(seed + current().seed)


class _RandomState(np.random.RandomState):
    """numpy's older generator, likewise."""

    def __init__(self, seed: Any = None) -> None:
        current().inventions.append("a seed")
        super().__init__(seed + current().seed if isinstance(seed, int) else current().seed)


def _rng(original: Callable[..., Any]) -> Callable[..., Any]:
    def make(seed: Any = None) -> Any:
        current().inventions.append("a seed")
        return original(seed + current().seed if isinstance(seed, int) else current().seed)

    return make


@contextmanager
def of_worlds() -> Iterator[None]:
    with Patches() as patches:
        patches.put(torch, "manual_seed", _moved(torch.manual_seed))
        patches.put(torch, "Generator", _Generator)
        patches.put(random, "seed", _moved(random.seed))
        patches.put(np.random, "seed", _moved(np.random.seed))
        patches.put(np.random, "default_rng", _rng(np.random.default_rng))
        patches.put(np.random, "RandomState", _RandomState)
        yield
