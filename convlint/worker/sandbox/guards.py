"""Guards around user code that hold in a job's own process whatever runs in it; `containment` adds the others."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import NoReturn

from convlint.jobs import Job
from convlint.worker.sandbox import limits

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def put_up(dump: int) -> None:
    """Put up every guard; `dump` is the descriptor that a fatal signal writes the user's line to."""
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    limits.no_core_dumps()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    faulthandler.enable(dump, all_threads=False)
    if hasattr(signal, "SIGXCPU"):  # the server's "time is over", and later the kernel's
        faulthandler.register(signal.SIGXCPU, dump, all_threads=False, chain=False)


def note_exits(dump: int) -> None:
    """Have `os._exit`, which no handler sees, write down first who calls it."""
    leave = os._exit

    def exit_noted(status: int) -> NoReturn:
        faulthandler.dump_traceback(dump, all_threads=False)
        leave(status)

    os._exit = exit_noted


def limit_time(seconds: float, dump: int) -> None:
    """End this process by itself when its time is over, where no server watches it."""
    faulthandler.dump_traceback_later(seconds, file=dump, exit=True)


def in_words(job: Job, limited: frozenset[str], landlock: int) -> tuple[str, ...]:
    """The guards as `-v` says of them: those that are active, then those that this machine does not have."""
    known = {
        "memory": f"memory {job.memory} MB",
        "processor": f"processor {limits.processor_limit(job.timeout)} s",
        "files": f"files {limits.LARGEST_FILE} MB",
        "cores": "no core dumps",
    }
    active = [text for name, text in known.items() if name in limited]
    missing = [name for name in ("memory", "processor", "files") if name not in limited]
    if landlock:
        active.append(f"Landlock {landlock}")
    else:
        missing.append("Landlock")
    common = ("audit hook", "private temporary folder")
    return (f"time {job.timeout:g} s", *active, *common, *(f"no {name} guard here" for name in missing))


def adopt_orphans() -> bool:
    """Become the parent of every descendant that loses its own, so that none can hide. Linux only."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def keep_only(descriptors: Iterable[int]) -> None:
    """Close every other descriptor."""
    start = 0
    for kept in [*sorted(descriptors), _descriptor_limit()]:
        if start < kept:  # closerange(0, 0) would close all there is
            os.closerange(start, kept)
        start = kept + 1


def _descriptor_limit() -> int:
    with suppress(OSError, ValueError):
        return int(os.sysconf("SC_OPEN_MAX"))
    return 65536


def _prctl(option: int, value: int) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    with suppress(OSError, AttributeError):
        return bool(ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0)
    return False
