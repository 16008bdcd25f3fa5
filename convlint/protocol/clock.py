"""The time that a process has had: the clock's, less what it waited for a core that others held.

Only Linux says how long that was; elsewhere it is the clock's time.
"""

from __future__ import annotations

import time

_NANO = 1e-9
_MOST = 20
"""A limit is put off by so many times its length at most, whoever holds the cores."""


def had() -> float:
    """Seconds that this process has had since some moment."""
    return time.monotonic() - waited("self")


def waited(pid: int | str) -> float:
    """Seconds that the main thread of a process was ready to run and did not."""
    try:
        with open(f"/proc/{pid}/schedstat") as file:
            return int(file.read().split()[1]) * _NANO
    except (OSError, ValueError, IndexError):
        return 0.0


def put_off(deadline: float, limit: float, pid: int | None) -> float:
    """When a limit of so many seconds ends for a process, with what it has waited."""
    return deadline if pid is None else deadline + min(waited(pid), _MOST * limit)
