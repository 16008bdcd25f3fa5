"""Limits that the kernel keeps for one process: memory, processor time, the size of files.

A limit of the number of processes is none of them: the kernel counts those of the user, not those of a job.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from contextlib import suppress

LARGEST_FILE = 1024
"""Megabytes of the largest file that may be written."""

_MEGABYTE = 1 << 20
_SPARE = 5  # seconds of processor time beyond those of the clock, which are to come first
_allowed = list[tuple[int, str]]()  # the limit of memory that this process has, and who sets it; at most one
_MAPPED = 2  # address space for each byte of memory: files that are mapped and stacks that are reserved cost none


def processor_limit(seconds: float) -> int:
    """The seconds of processor time that go with a limit of the clock."""
    return math.ceil(seconds) + _SPARE


def available() -> frozenset[str]:
    """The limits that this platform has, by name."""
    names = {"cores", "processor", "files"} if importlib.util.find_spec("resource") else set[str]()
    return frozenset(names | {"memory"} if sys.platform.startswith("linux") else names)


def limit(seconds: float, megabytes: int | None, section: str) -> frozenset[str]:
    """Put up the limits; the names of those in force. Memory has none where `megabytes` is None.

    `section` is the table of the configuration that they come from.
    """
    if not available():
        return frozenset()
    import resource

    most = processor_limit(seconds)
    done = {
        "cores": no_core_dumps(),
        "processor": _lower(resource.RLIMIT_CPU, most, most + 1),  # a warning, then the end
        "files": _lower(resource.RLIMIT_FSIZE, LARGEST_FILE * _MEGABYTE),
        "memory": megabytes is not None and _limit_memory(megabytes, section),
    }
    return frozenset(name for name, is_done in done.items() if is_done)


def no_core_dumps() -> bool:
    with suppress(ImportError):
        import resource

        return _lower(resource.RLIMIT_CORE, 0, 0)
    return False


def memory() -> tuple[int, str] | None:
    """The megabytes that code may take in this process and where they are set, if they are limited."""
    return _allowed[-1] if _allowed else None


def lift() -> None:
    """Give back the memory that the report of an exhausted process needs."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        for kind in (resource.RLIMIT_DATA, resource.RLIMIT_AS):
            hard = resource.getrlimit(kind)[1]
            resource.setrlimit(kind, (hard, hard))


def _limit_memory(megabytes: int, section: str) -> bool:
    """What user code may take beyond what torch has at its start. Only Linux says how much that is."""
    if not sys.platform.startswith("linux"):
        return False
    import resource

    with suppress(OSError, ValueError, IndexError), open("/proc/self/statm") as file:
        pages = [int(field) for field in file.read().split()]
        space, data = pages[0] * resource.getpagesize(), pages[5] * resource.getpagesize()
        more = megabytes * _MEGABYTE
        _allowed.append((megabytes, section))
        # Private memory is what counts; memory that is shared with others only shows in the address space.
        return _lower(resource.RLIMIT_DATA, data + more) and _lower(resource.RLIMIT_AS, space + _MAPPED * more)
    return False


def _lower(kind: int, value: int, hard: int | None = None) -> bool:
    """Set a limit, unless a lower one holds already; without `hard` it can be lifted again."""
    import resource

    with suppress(OSError, ValueError):
        before = [math.inf if one == resource.RLIM_INFINITY else one for one in resource.getrlimit(kind)]
        lowered = min(before[0], value), before[1] if hard is None else min(before[1], hard)
        soft, most = (resource.RLIM_INFINITY if one == math.inf else int(one) for one in lowered)
        resource.setrlimit(kind, (soft, most))
        return True
    return False
