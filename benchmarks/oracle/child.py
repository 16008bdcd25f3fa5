"""A function in a forked process, with a limit of time and of memory."""

from __future__ import annotations

import multiprocessing
import resource
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, TypeVar

MEMORY = 14 << 30
T = TypeVar("T")


@dataclass(frozen=True)
class Lost:
    """Why no result came back."""

    reason: str


def in_child(function: Callable[[], T], seconds: float) -> T | Lost:
    """What the function returns; a process of its own keeps what it leaves behind from the next one."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(function, there), daemon=True)
    process.start()
    there.close()
    try:
        if not here.poll(seconds):
            return Lost(f"takes longer than {seconds:g} s")
        result: T | Lost = here.recv()
        return result
    except EOFError:
        process.join()
        return Lost(f"its process dies (exit code {process.exitcode})")
    finally:
        process.kill()
        process.join()
        here.close()


def _work(function: Callable[[], Any], there: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        result = function()
    except BaseException as error:
        last = traceback.extract_tb(error.__traceback__)[-1:]
        at = "".join(f" ({step.filename}:{step.lineno})" for step in last)
        result = Lost(f"raises {type(error).__name__}: {str(error)[:200]}{at}")
    there.send(result)
    there.close()
