"""Real torch in a process of its own: a mutant may loop, take all memory, or leave something behind."""

from __future__ import annotations

import resource
from collections.abc import Callable
from multiprocessing import current_process
from pathlib import Path
from typing import TypeVar

import torch

from benchmarks.oracle.child import Lost, in_child

SECONDS = 30.0
MEMORY = 3 << 30  # besides what the process has already

T = TypeVar("T")


def apart(function: Callable[[], T], seconds: float | None = None) -> T | Lost:
    """What the function returns, or why nothing came back. In a process that is apart already it is just called."""
    if current_process().daemon:
        return function()

    def limited() -> T:
        limit = _address_space() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        torch.set_num_threads(1)
        return function()

    return in_child(limited, seconds or SECONDS)


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()
