"""Runs jobs in worker processes and yields the facts of each file, whatever its code does.

A pool may be started before the jobs are known, so that torch is imported while the caller looks for models.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from convlint.facts import FileFacts
from convlint.jobs import Job
from convlint.pool.serving import ServerError, ServerGone, ServerProcess, ServerStuck, command, environment
from convlint.protocol import solo
from convlint.protocol.clock import put_off
from convlint.protocol.ending import How, JobEnding, failed
from convlint.protocol.engines import TRIALS
from convlint.protocol.frames import MAX_BODY, Frame, FrameKind
from convlint.protocol.leftovers import kill_group, kill_marked, new_mark
from convlint.protocol.reception import admit

_TICK = 0.01
_SILENCE = 15.0  # seconds past a job's limit after which the server itself is taken for stuck
_MAX_DEATHS = 5  # deaths of the server in a row, without a job done in between, after which it stays dead


Answer = tuple[int, FileFacts]
"""The number of a job, and the facts that it came to."""


@dataclass(frozen=True)
class _Flight:
    """A job that waits for its turn or runs."""

    number: int
    job: Job
    alone: bool = False  # it ran beside others when the server died, so it is tried again by itself
    deadline: float = 0.0
    pid: int | None = None


class WorkerPool:
    """A worker server, started when it is needed and again when user code brings it down.

    `server` is one that stands by; the pool ends it. `runner` is the "module:function" that runs a job, by default
    the engine that traces. For tests: `fork=False` runs every job in a fresh process, as it must be where there is no
    fork.
    """

    def __init__(
        self,
        *,
        parallel: int = 1,
        runner: str | None = None,
        max_facts: int = MAX_BODY,
        fork: bool | None = None,
        server: ServerProcess | None = None,
    ) -> None:
        self._parallel = max(1, parallel)
        self._options = ["--max-facts", str(max_facts), *(["--runner", runner] if runner else [])]
        self._max_facts = max_facts
        self._fork = hasattr(os, "fork") if fork is None else fork
        self._on_device = runner == TRIALS
        self._server = server
        self._waiting: deque[_Flight] = deque()
        self._running: dict[int, _Flight] = {}
        self._was_ready = False
        self._deaths = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Begin to load torch, unless that has begun. Returns at once."""
        if self._fork:
            self._server = self._server or ServerProcess(self._options, on_device=self._on_device)
            self._server.begin()

    def close(self) -> None:
        """End every process."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def run(self, jobs: Sequence[Job]) -> Iterator[FileFacts]:
        """The facts of each job's file, in order of completion: one for every job, whatever becomes of it.

        Raises ServerError when the worker cannot run at all, for want of torch.
        """
        return (facts for _, facts in self.answers(jobs))

    def answers(self, jobs: Sequence[Job]) -> Iterator[Answer]:
        """As `run`, with the number of the job."""
        if not self._fork:
            yield from _run_solo(jobs, self._parallel, self._options, self._max_facts, on_device=self._on_device)
            return
        self._waiting = deque(_Flight(number, job) for number, job in enumerate(jobs))
        self._running = {}
        try:
            while self._waiting or self._running:
                yield from self._advance()
        finally:
            if self._running:  # Ctrl-C, or the caller has lost interest
                self.close()

    def _advance(self) -> Iterator[Answer]:
        """Give the server what it may run, and take its next answer."""
        try:
            server = self._ready_server()
            while self._waiting and self._may_start(self._waiting[0]):
                self._send(server, self._waiting.popleft())
            answer = self._answer(server)
        except (ServerGone, ServerStuck) as error:
            yield from self._mourn("server died" if isinstance(error, ServerGone) else "server stuck")
        else:
            if answer is not None:
                self._deaths = 0
                yield answer

    def _ready_server(self) -> ServerProcess:
        self.start()
        assert self._server is not None
        try:
            self._server.wait_until_ready()
        except ServerError:
            if self._was_ready:  # it could run before: this is no lack of torch
                raise ServerGone from None
            raise
        self._was_ready = True
        return self._server

    def _may_start(self, flight: _Flight) -> bool:
        if flight.alone or any(other.alone for other in self._running.values()):
            return not self._running
        return len(self._running) < self._parallel

    def _send(self, server: ServerProcess, flight: _Flight) -> None:
        deadline = time.monotonic() + flight.job.timeout + _SILENCE
        self._running[flight.number] = replace(flight, deadline=deadline)
        server.send(Frame(FrameKind.JOB, flight.number, flight.job.model_dump_json().encode()))

    def _answer(self, server: ServerProcess) -> Answer | None:
        frame = self._receive(server)
        flight = self._running.get(frame.number)
        if flight is None:
            raise ServerGone
        if frame.kind is FrameKind.STARTED:
            self._running[frame.number] = replace(flight, pid=int(frame.body))
            return None
        del self._running[frame.number]
        if frame.kind is FrameKind.FACTS:
            return flight.number, admit(flight.job, frame.body)
        return flight.number, failed(flight.job, JobEnding.model_validate_json(frame.body))

    def _receive(self, server: ServerProcess) -> Frame:
        """The next frame. Raises ServerStuck where none comes by the time that the running jobs have."""
        while True:
            running = self._running.values()
            deadline = min(put_off(flight.deadline, flight.job.timeout, flight.pid) for flight in running)
            try:
                return server.receive(deadline)
            except ServerStuck:
                if all(put_off(one.deadline, one.job.timeout, one.pid) <= deadline + _TICK for one in running):
                    raise

    def _mourn(self, how: How) -> Iterator[Answer]:
        """After the server's death: blame the job that ran alone, or try each of those that ran once more."""
        lost, self._running = list(self._running.values()), {}
        server, self._server = self._server, None
        if server is not None:
            server.stop(at_once=True)
        for flight in lost:
            if flight.pid is not None:
                kill_group(flight.pid)
        self._deaths += 1
        if len(lost) == 1:
            yield lost[0].number, failed(lost[0].job, JobEnding(how=how))
        else:
            self._waiting.extendleft(replace(flight, alone=True, pid=None) for flight in reversed(lost))
        if self._deaths >= _MAX_DEATHS:
            given_up, self._waiting = self._waiting, deque()
            for flight in given_up:
                yield flight.number, failed(flight.job, JobEnding(how="given up", code=self._deaths))


def run_jobs(jobs: Sequence[Job], *, parallel: int = 1) -> Iterator[FileFacts]:
    """WorkerPool.run with a pool of its own; starts nothing when there are no jobs."""
    with WorkerPool(parallel=parallel) as pool:
        yield from pool.run(jobs)


def _run_solo(
    jobs: Sequence[Job], parallel: int, options: list[str], max_facts: int, *, on_device: bool
) -> Iterator[Answer]:
    from concurrent.futures import ThreadPoolExecutor, as_completed  # slow to import, and rarely needed

    mark = new_mark()
    threads = ThreadPoolExecutor(parallel)
    try:
        start, around = command(options), environment(mark, on_device=on_device)
        running = {
            threads.submit(solo.run_one, job, start, around, max_facts): number for number, job in enumerate(jobs)
        }
        for done in as_completed(running):
            yield running[done], done.result()
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        kill_marked(mark)
