"""The same work on many things, in as many processes as there are cores."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import partial
from multiprocessing import get_context
from typing import TypeVar

import torch

from convlint.pool.parallel import default_parallel

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # in malloc.h
MOST_MEMORY = 8 << 30
"""Bytes that one process may take."""
T = TypeVar("T")
R = TypeVar("R")


def in_processes(work: Callable[[T], R], things: Sequence[T], start: Callable[[], None]) -> Iterator[R]:
    """In the order of the things. `start` runs once in each process; both go there by their names."""
    workers = max(1, min(len(things), default_parallel()))
    with ProcessPoolExecutor(workers, get_context("fork"), partial(_start, start)) as processes:
        yield from processes.map(work, things)


def _start(start: Callable[[], None]) -> None:
    torch.set_num_threads(1)
    _limit_memory()
    _keep_memory()
    start()


def _limit_memory() -> None:
    """A call that asks for more fails by itself: the system would end the process, and the run with it."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        most = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, most))


def _keep_memory() -> None:
    """Have glibc hand freed memory to the next tensor, not back to the system: a fifth of the time of small runs."""
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_TRIM_THRESHOLD, 1 << 30)
        libc.mallopt(_MMAP_THRESHOLD, 1 << 25)
