"""One running job as the worker server sees it: its process, and the channels that it writes to."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from convlint.jobs import Job, Runner
from convlint.protocol import clock, scratch
from convlint.protocol.ending import How, JobEnding
from convlint.protocol.frames import TOKEN_BYTES, Frame, FrameKind, unseal
from convlint.protocol.leftovers import kill_group
from convlint.worker.process.child import live
from convlint.worker.sandbox import guards, landlock, limits

GRACE = 0.25  # seconds between "say where you are" and the end

_KEPT_WORDS = 2048
_KEPT_DUMP = 65536
_CHUNK = 65536
_TIDYING = 1.0  # seconds for the removal of temporary files; convlint itself has more, at the end
_DRAIN = 1024  # chunks read after the end, while a process that escaped might still write


@dataclass(eq=False)
class Pipe:
    """The reading end of a channel: keeps all, or its last bytes."""

    end: int
    keep: int | None = None
    data: bytearray = field(default_factory=bytearray)

    def read(self) -> int | None:
        """Take what is there: the number of bytes, 0 at the end, None while there is nothing."""
        try:
            chunk = os.read(self.end, _CHUNK)
        except BlockingIOError:
            return None
        except OSError:  # the other side closed it with bytes unread
            return 0
        self.data += chunk
        if self.keep is not None and len(self.data) > self.keep:
            del self.data[: -self.keep]
        return len(chunk)

    def text(self) -> str:
        return self.data.decode(errors="replace")


@dataclass(eq=False)
class JobProcess:
    """A job's process group."""

    number: int
    job: Job
    pid: int
    token: bytes
    folder: str  # for its temporary files
    started: float
    deadline: float
    max_facts: int
    record: Pipe
    errors: Pipe
    dump: Pipe
    verdict: How | None = None  # why the server ended it, if it did
    asked: bool = False  # whether it has been told to say where it is

    @property
    def pipes(self) -> tuple[Pipe, Pipe, Pipe]:
        return self.record, self.errors, self.dump

    def check(self, now: float) -> None:
        """Enforce the limits of time and size."""
        if len(self.record.data) > self.max_facts + _CHUNK:
            self.end("too large")
        elif now >= self.deadline and not self.asked:
            put_off = clock.put_off(self.started + self.job.timeout, self.job.timeout, self.pid)
            if now < put_off:
                self.deadline = put_off
                return
            self.asked, self.deadline = True, now + GRACE
            with suppress(OSError):
                os.kill(self.pid, signal.SIGXCPU)
        elif now >= self.deadline:
            self.end("timeout")

    def end(self, verdict: How) -> None:
        """Kill the whole group; the next reaping reports it."""
        self.verdict, self.deadline = self.verdict or verdict, float("inf")
        kill_group(self.pid)

    def close(self, status: int, seconds: float) -> Frame:
        """After the process ended: kill what is left of its group, and say what became of the job.

        `seconds` is the processor time that it took.
        """
        kill_group(self.pid)
        scratch.discard(self.folder, seconds=_TIDYING)
        for pipe in self.pipes:
            for _ in range(_DRAIN):
                if not pipe.read():
                    break
            os.close(pipe.end)
        payload = unseal(self.token, self.record.data)
        if payload is not None and len(payload) <= self.max_facts:
            return Frame(FrameKind.FACTS, self.number, payload)
        return Frame(FrameKind.ENDED, self.number, self._ending(status, seconds).model_dump_json().encode())

    def _ending(self, status: int, seconds: float) -> JobEnding:
        code = os.waitstatus_to_exitcode(status)
        how: How = self.verdict or ("signalled" if code < 0 else "exited")
        if code == -signal.SIGKILL and seconds >= limits.processor_limit(self.job.timeout):
            how = "timeout"
        if len(self.record.data) > self.max_facts:
            how = "too large"
        return JobEnding(
            how=how,
            code=self.max_facts if how == "too large" else abs(code),
            last_words=self.errors.text(),
            dump=self.dump.text(),
            guards=guards.in_words(self.job, limits.available(), landlock.version()),
        )


def fork(number: int, job: Job, run: Runner, max_facts: int) -> JobProcess:
    """Start the job in a process of its own, with a folder of its own below that of this process."""
    # A socket for the record: unlike a pipe, nobody else can open it through /proc.
    near, far = socket.socketpair()
    errors_in, errors_out = os.pipe()
    dump_in, dump_out = os.pipe()
    token, folder = os.urandom(TOKEN_BYTES), scratch.make()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        live(job, run, token, folder, record=far.fileno(), errors=errors_out, dump=dump_out)
    far.close()
    os.close(errors_out)
    os.close(dump_out)
    pipes = (Pipe(near.detach()), Pipe(errors_in, _KEPT_WORDS), Pipe(dump_in, _KEPT_DUMP))
    for pipe in pipes:
        os.set_blocking(pipe.end, False)
    now = time.monotonic()
    return JobProcess(number, job, pid, token, folder, now, now + job.timeout, max_facts, *pipes)


def orphans() -> Iterator[int]:
    """The ids of this process's children, where the kernel tells."""
    with suppress(OSError, ValueError), open(f"/proc/self/task/{os.getpid()}/children") as file:
        yield from map(int, file.read().split())
