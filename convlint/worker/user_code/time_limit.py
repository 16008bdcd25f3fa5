"""An end to computations that nobody knows the length of.

Time is a backstop for what hangs. What an analysis may cost is counted in work (see `work`).
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from convlint.protocol.clock import had
from convlint.worker.sandbox import uncacheable

# torch asks these from C++ functions that let no exception through: one there would end the process.
_BETWEEN = ("sym_node.py", "symbolic_shapes.py")
_SOON = 0.003
_AGAIN = 0.5


class TimeLimitExceeded(BaseException):
    """It took too long. No Exception, so that the user's own handlers let it through."""


_ends = list[float]()
"""When each of the limits in force ends, by this process's own clock; the innermost is the last."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise Impatient in the body when the time is over. Without SIGALRM only the job's own limit holds.

    Time that other processes take from this one does not count. An inner limit does not outlast an outer one.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    end = had() + seconds
    if _ends and _ends[-1] <= end:
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    _ends.append(end)
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)  # again and again, since a bare `except:` may swallow it
    try:
        yield
    finally:
        _ends.pop()
        left = max(_ends[-1] - had(), 0.1) if _ends else 0
        signal.setitimer(signal.ITIMER_REAL, left, _AGAIN)
        signal.signal(signal.SIGALRM, before)


def _ring(_: int, frame: FrameType | None) -> None:
    left = _ends[-1] - had() if _ends else 0
    if left > 0:
        signal.setitimer(signal.ITIMER_REAL, max(left, _SOON), _AGAIN)
        return
    while frame is not None:
        if frame.f_code.co_filename.endswith(_BETWEEN):
            signal.setitimer(signal.ITIMER_REAL, _SOON, _AGAIN)
            return
        frame = frame.f_back
    uncacheable.count("time")
    raise TimeLimitExceeded("it takes too long")


RING = _ring.__code__
"""The innermost frame of every Impatient."""
