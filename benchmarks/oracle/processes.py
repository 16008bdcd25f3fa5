"""The same work on many things, in as many processes as there are cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import TypeVar

import torch

from convlint.pool.parallel import default_parallel

T = TypeVar("T")
R = TypeVar("R")


def in_processes(work: Callable[[T], R], things: Sequence[T], start: Callable[[], None]) -> Iterator[R]:
    """In the order of the things. `start` runs once in each process; both go there by their names."""
    workers = max(1, min(len(things), default_parallel()))
    with ProcessPoolExecutor(workers, get_context("fork"), partial(_start, start)) as processes:
        yield from processes.map(work, things)


def _start(start: Callable[[], None]) -> None:
    torch.set_num_threads(1)
    start()
