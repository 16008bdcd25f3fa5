"""A function in a forked process, with a limit of time and of memory."""

from __future__ import annotations

import math
import multiprocessing
import resource
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, TypeVar

MEMORY = 14 << 30
_PATIENCE = 20
"""Times its limit of processor time that a process may take on the clock: it waits where others are busy, or hangs."""
T = TypeVar("T")


@dataclass(frozen=True)
class Lost:
    """Why no result came back."""

    reason: str


def in_child(function: Callable[[], T], seconds: float) -> T | Lost:
    """What the function returns; a process of its own keeps what it leaves behind from the next one.

    `seconds` are those of a processor, so that the answer does not depend on what else the machine does.
    """
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(function, there, seconds), daemon=True)
    process.start()
    there.close()
    try:
        if not here.poll(seconds * _PATIENCE):
            return Lost(f"takes longer than {seconds * _PATIENCE:g} s on the clock")
        result: T | Lost = here.recv()
        return result
    except EOFError:
        process.join()
        if process.exitcode == -signal.SIGXCPU:
            return Lost(f"takes longer than {seconds:g} s")
        return Lost(f"its process dies (exit code {process.exitcode})")
    finally:
        process.kill()
        process.join()
        here.close()


def _work(function: Callable[[], Any], there: Connection, seconds: float) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    soft = math.ceil(seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, soft + 1))
    try:
        result = function()
    except BaseException as error:
        last = traceback.extract_tb(error.__traceback__)[-1:]
        at = "".join(f" ({step.filename}:{step.lineno})" for step in last)
        result = Lost(f"raises {type(error).__name__}: {str(error)[:200]}{at}")
    there.send(result)
    there.close()
