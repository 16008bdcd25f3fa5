"""An end to computations that nobody knows the length of."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from convlint.worker import chance

# torch asks these from C++ functions that let no exception through: one there would end the process.
_BETWEEN = ("sym_node.py", "symbolic_shapes.py")
_SOON = 0.003


class Impatient(BaseException):
    """It took too long. No Exception, so that the user's own handlers let it through."""


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Raise Impatient in the body when the time is over. Without SIGALRM only the job's own limit holds.

    An inner one does not outlast an outer one.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    left, _ = signal.getitimer(signal.ITIMER_REAL)
    started = time.monotonic()
    before = signal.getsignal(signal.SIGALRM)
    if left and left <= seconds:
        yield
        return
    signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)  # again and again, since a bare `except:` may swallow it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, max(left - time.monotonic() + started, 0.1) if left else 0, 0.5)
        signal.signal(signal.SIGALRM, before)


def _ring(_: int, frame: FrameType | None) -> None:
    while frame is not None:
        if frame.f_code.co_filename.endswith(_BETWEEN):
            signal.setitimer(signal.ITIMER_REAL, _SOON, 0.5)
            return
        frame = frame.f_back
    chance.count("time")
    raise Impatient("it takes too long")


RING = _ring.__code__
"""The innermost frame of every Impatient."""
