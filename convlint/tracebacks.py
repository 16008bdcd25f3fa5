"""The way an exception came."""

from __future__ import annotations

from types import TracebackType


def steps_of(error: BaseException) -> list[TracebackType]:
    """The frames that an error came through, innermost first; `traceback.walk_tb` leaves out the instruction."""
    found, step = list[TracebackType](), error.__traceback__
    while step is not None:
        found.append(step)
        step = step.tb_next
    return found[::-1]
