"""How many files are checked at once."""

from __future__ import annotations

import os

# What a process that checks a file of usual size takes for itself, besides what all share.
MEMORY_OF_ONE = 512 * 2**20


def default_parallel() -> int:
    """As many as there are cores, unless memory ends before."""
    return max(1, min(cores(), _free_memory() // MEMORY_OF_ONE))


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _free_memory() -> int:
    """Bytes that can be had, as far as the system tells."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return 2**63
