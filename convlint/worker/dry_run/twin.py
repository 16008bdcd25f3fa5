"""The same program once more in a process of its own, where all that is made up has another value."""

from __future__ import annotations

import json
import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from convlint.inputspec import InputSpec
from convlint.worker.dry_run.record import CallError, ModelCall, ProgramCall
from convlint.worker.dry_run.world import DryRun
from convlint.worker.sandbox import effects

_GO = b"g"


@dataclass(frozen=True)
class TwinCall:
    """One call in the other world."""

    key: tuple[str, int, int, str, str]
    inputs: tuple[InputSpec, ...] | None
    shapes: tuple[tuple[int, ...], ...]
    raised: tuple[str, int] | None  # the kind of the exception and its row
    is_doubtful: bool


def key_of(call: ModelCall) -> tuple[str, int, int, str, str]:
    return call.at.filename, call.at.row, call.at.column, type(call.module).__qualname__, repr(call.options)


def key_of_loss(call: ProgramCall) -> tuple[str, int, int, str, str]:
    return call.at.filename, call.at.row, call.at.column, call.name, repr(call.options)


def raised_as(raised: CallError | None) -> tuple[str, int] | None:
    return None if raised is None else (raised.kind, raised.at.row if raised.at is not None else 0)


@dataclass
class Twin:
    """The other process, which waits until it is wanted."""

    pid: int
    start: int  # a descriptor: a byte lets it begin
    answers: int

    def seen(self, seconds: float) -> tuple[list[TwinCall], list[TwinCall]]:
        """The calls of models and of losses there, as far as it came."""
        with suppress(OSError):
            os.write(self.start, _GO)
        data = bytearray()
        while select.select([self.answers], [], [], seconds)[0]:
            chunk = os.read(self.answers, 1 << 16)
            if not chunk:
                break
            data += chunk
        calls: list[TwinCall] = []
        losses: list[TwinCall] = []
        for line in data.decode(errors="replace").splitlines():
            with suppress(ValueError, KeyError, TypeError):
                kind, one = _read(line)
                (calls if kind == "call" else losses).append(one)
        return calls, losses

    def end(self) -> None:
        for descriptor in (self.start, self.answers):
            with suppress(OSError):
                os.close(descriptor)
        with suppress(OSError), effects.permitted():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def start(runs: Callable[[], Iterator[DryRun]]) -> Twin | None:
    """A twin of this process, before the program runs in it; None where there is no fork."""
    if not hasattr(os, "fork"):
        return None
    word_in, word_out = os.pipe()
    answers_in, answers_out = os.pipe()
    try:
        with effects.permitted():
            pid = os.fork()
    except OSError:
        return None
    if pid:
        os.close(word_in)
        os.close(answers_out)
        return Twin(pid, word_out, answers_in)
    leave = os._exit
    try:
        os.close(word_out)
        os.close(answers_in)
        if os.read(word_in, 1) == _GO:
            _live(runs, answers_out)
    finally:
        leave(0)


def _live(runs: Callable[[], Iterator[DryRun]], answers: int) -> None:
    """Send what each run shows as soon as it is over."""
    with suppress(BaseException):
        for world in runs():
            _send(world, answers)


def _send(world: DryRun, answers: int) -> None:
    lines = [_line("call", key_of(call), call.inputs, (), call.raised, call.doubt) for call in world.calls]
    lines += [_line("loss", key_of_loss(loss), None, loss.shapes, loss.raised, loss.doubt) for loss in world.losses]
    rest = memoryview(("\n".join(lines) + "\n").encode())
    while rest:
        rest = rest[os.write(answers, rest) :]


def _line(kind: str, key: tuple[Any, ...], inputs: Any, shapes: Any, raised: CallError | None, doubt: Any) -> str:
    specs = None if inputs is None else [json.loads(one.model_dump_json()) for one in inputs]
    return json.dumps([kind, key, specs, shapes, raised_as(raised), doubt is not None])


def _read(line: str) -> tuple[str, TwinCall]:
    kind, key, specs, shapes, raised, doubtful = json.loads(line)
    inputs = None if specs is None else tuple(InputSpec.model_validate(one) for one in specs)
    found = tuple(tuple(shape) for shape in shapes)
    return kind, TwinCall(tuple(key), inputs, found, None if raised is None else tuple(raised), doubtful)
