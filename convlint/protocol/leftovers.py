"""Processes that user code left behind: found by a mark in their environment, where /proc shows it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

MARK = "CONVLINT_RUN"
"""The environment variable that every process below a worker server inherits."""

_ROUNDS = 20  # each round meets what the last one's victims had just forked


def new_mark() -> str:
    """A mark for one worker server and all below it."""
    return os.urandom(8).hex()


def marked(mark: str) -> Iterator[int]:
    """The ids of the running processes with this mark."""
    wanted = f"{MARK}={mark}".encode()
    with suppress(OSError):
        for name in os.listdir("/proc"):
            with suppress(OSError, ValueError):
                pid = int(name)
                with open(f"/proc/{pid}/environ", "rb") as file:
                    if wanted in file.read().split(b"\0"):
                        yield pid


def kill_marked(mark: str) -> None:
    """Kill every process with this mark."""
    for _ in range(_ROUNDS):
        pids = list(marked(mark))
        if not pids:
            return
        for pid in pids:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def kill_group(leader: int) -> None:
    """Kill a process group, if any of it still runs."""
    with suppress(OSError):
        os.killpg(leader, signal.SIGKILL)
