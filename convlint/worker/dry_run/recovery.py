"""The hooks at the statements of a program: one that fails leaves what it binds unknown, and the program goes on."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from types import FrameType
from typing import Any

from convlint.facts import Reason, Span
from convlint.worker.dry_run import frames
from convlint.worker.dry_run.loops import Loop, cut
from convlint.worker.dry_run.record import Trouble
from convlint.worker.dry_run.rewriting import Hooked
from convlint.worker.dry_run.unknown import UnknownValue, first_unknown, reason_of, why_unknown
from convlint.worker.dry_run.world import Finished, current
from convlint.worker.stack.places import line_span
from convlint.worker.user_code.time_limit import TimeLimitExceeded
from convlint.worker.user_code.wording import said

_CONTROL = (Finished, TimeLimitExceeded, GeneratorExit, KeyboardInterrupt)
_MOST_TROUBLES = 200


class Hooks:
    """What the rewritten code of one file calls."""

    def __init__(self, filename: str, statements: Sequence[Hooked]) -> None:
        self._filename = filename
        self._statements = statements

    def failed(self, number: int, error: BaseException) -> Any:
        """What the names of a statement get that has raised. Raises the error again where that is the program's way."""
        frame, hooked = sys._getframe(1), self._statements[number]
        reason = why_unknown(error)
        if _passes(error, frame, reason):
            raise error
        if reason is None:
            values = (_value(frame, name) for name in hooked.loads)
            unknown = next((one for value in values if (one := first_unknown(value)) is not None), None)
            reason = reason_of(unknown) if unknown is not None else None
        at = line_span(self._filename, hooked.node.lineno)
        self._note(error, reason, at, hooked)
        for name in hooked.changes:
            current().taint(_value(frame, name))
        names = ", ".join(sorted(hooked.binds)) or "_"
        return UnknownValue(names, reason or Reason(kind="not-computed", name=names, at=at, detail=said(error)))

    def _note(self, error: BaseException, reason: Reason | None, at: Span, hooked: Hooked) -> None:
        world = current()
        world.check_time()
        if len(world.troubles) < _MOST_TROUBLES:
            kind = type(error).__name__
            names = tuple(sorted(hooked.binds))
            world.troubles.append(Trouble(at, reason, said(error), world.doubt, kind, names))

    def turns(self, number: int, iterated: Any) -> Iterable[Any]:
        """What a `for` goes through: as much of it as it takes to see what it does."""
        frame = sys._getframe(1)
        if frames.owner_of(frame) is not None:
            return iterated  # type: ignore[no-any-return]
        if isinstance(iterated, UnknownValue):
            return iter([iterated.derived("[]")])
        return cut(iterated, self._statements[number], frame)

    def loop(self, number: int) -> Loop:
        """The rounds of a `while`."""
        frame = sys._getframe(1)
        return Loop(self._statements[number], frame, is_free=frames.owner_of(frame) is not None)


def _passes(error: BaseException, frame: FrameType, reason: Reason | None) -> bool:
    """Whether an error goes on to whoever waits for it: the user's own handlers, or those of a module's caller."""
    if isinstance(error, _CONTROL) or _is_end_of_iteration(error, frame) or _ends_well(error):
        return True
    return frames.owner_of(frame) is not None or (reason is None and frames.is_handled(frame, error))


def _value(frame: FrameType, name: str) -> Any:
    return frame.f_locals[name] if name in frame.f_locals else dict.get(frame.f_globals, name)


def _is_end_of_iteration(error: BaseException, frame: FrameType) -> bool:
    return isinstance(error, StopIteration | StopAsyncIteration) and frames.is_handled(frame, error)


def _ends_well(error: BaseException) -> bool:
    return isinstance(error, SystemExit) and error.code in (None, 0)
