"""The worker server: it loads torch once, then forks a process for each job that convlint sends.

Run as `python -m convlint.worker.process.server --control FD`, or where there is no fork as `--one FOLDER` per job.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from convlint.jobs import Job, Runner
from convlint.protocol import scratch, solo
from convlint.protocol.ending import JobEnding
from convlint.protocol.engines import ENGINE, TRIALS
from convlint.protocol.frames import MAX_BODY, Frame, FrameKind, Unpacker, pack
from convlint.protocol.leftovers import kill_group
from convlint.worker.process import job_process
from convlint.worker.process.child import perform, rehearse, use_folder
from convlint.worker.sandbox import guards

_CHUNK = 1 << 20
_BESIDE_TORCH = ("numpy", "sympy")  # what takes longest of what does not need it
_WORD = pack(Frame(FrameKind.BEGIN))
_FAREWELL = 2.0  # seconds that killed processes have to disappear before the server goes


class Server:
    """The loop over the control channel, the running jobs and their limits."""

    def __init__(self, control: socket.socket, run: Runner, max_facts: int) -> None:
        self._control = control
        self._run = run
        self._max_facts = max_facts
        self._frames = Unpacker()
        self._unsent = bytearray()
        self._running: dict[int, job_process.JobProcess] = {}  # by process id
        self._open = True
        self._adopts = guards.adopt_orphans()
        self._selector = selectors.DefaultSelector()
        self._wakeup = _wake_on_child()
        self._selector.register(self._wakeup, selectors.EVENT_READ)
        control.setblocking(False)
        self._selector.register(control, selectors.EVENT_READ)

    def serve(self) -> None:
        """Run jobs until convlint closes the control channel or is gone."""
        self._send(Frame(FrameKind.READY))
        while self._open:
            for key, _ in self._selector.select(self._patience()):
                if key.fileobj is self._control:
                    self._receive()
                elif isinstance(key.data, job_process.Pipe):
                    if key.data.read() == 0:
                        self._forget(key.data)
                else:
                    self._wakeup.recv(4096)
            self._reap()
            now = time.monotonic()
            for each in self._running.values():
                each.check(now)
            self._flush()
        self._bury()

    def _patience(self) -> float | None:
        deadlines = [each.deadline for each in self._running.values()]
        first = min(deadlines, default=float("inf"))
        return None if first == float("inf") else max(0.0, first - time.monotonic())

    def _receive(self) -> None:
        try:
            data = self._control.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._open = bool(data)
        for frame in self._frames.feed(data):
            self._start(frame)

    def _start(self, frame: Frame) -> None:
        job = Job.model_validate_json(frame.body)
        try:
            new = job_process.fork(frame.number, job, self._run, self._max_facts)
        except OSError as error:  # no more processes or descriptors
            ending = JobEnding(how="exited", code=0, last_words=f"it could not be started: {error}")
            self._send(Frame(FrameKind.ENDED, frame.number, ending.model_dump_json().encode()))
            return
        self._running[new.pid] = new
        for pipe in new.pipes:
            self._selector.register(pipe.end, selectors.EVENT_READ, pipe)
        self._send(Frame(FrameKind.STARTED, frame.number, str(new.pid).encode()))

    def _forget(self, pipe: job_process.Pipe) -> None:
        with suppress(KeyError):
            self._selector.unregister(pipe.end)

    def _reap(self) -> None:
        """Report the processes that ended, and kill those that hid from their group."""
        reaped = False
        with suppress(ChildProcessError):
            while True:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
                if pid == 0:
                    break
                reaped = True
                if ended := self._running.pop(pid, None):
                    for pipe in ended.pipes:
                        self._forget(pipe)
                    self._send(ended.close(status, usage.ru_utime + usage.ru_stime))
        if reaped and self._adopts:
            for pid in job_process.orphans():
                if pid not in self._running:
                    with suppress(OSError):
                        os.kill(pid, signal.SIGKILL)

    def _bury(self) -> None:
        """Kill everything below this process, and wait until it is gone."""
        for pid in self._running:
            kill_group(pid)
        time_limit = time.monotonic() + _FAREWELL
        with suppress(ChildProcessError):
            while time.monotonic() < time_limit:
                for pid in job_process.orphans():
                    with suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    time.sleep(0.005)

    def _send(self, frame: Frame) -> None:
        self._unsent += pack(frame)
        self._flush()

    def _flush(self) -> None:
        """Write what convlint takes now; the rest waits, so that limits are kept meanwhile."""
        try:
            while self._unsent:
                del self._unsent[: self._control.send(memoryview(self._unsent)[:_CHUNK])]
        except BlockingIOError:
            pass
        except OSError:  # convlint is gone
            self._open = False
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
        self._selector.modify(self._control, wanted)


def _wake_on_child() -> socket.socket:
    """A socket that becomes readable whenever a child process ends."""
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    signal.set_wakeup_fd(far.detach(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # user code may aim at its parent
        signal.signal(number, signal.SIG_IGN)
    return near


def wait_for_word(control: socket.socket) -> bool:
    """Wait to be told that there will be jobs, with all loaded that needs no torch; false where convlint is gone."""
    gc.disable()  # modules leave next to nothing to collect
    for module in _BESIDE_TORCH:
        with suppress(Exception):  # who needs it says so
            importlib.import_module(module)
    data = b""
    while len(data) < len(_WORD):
        received = control.recv(len(_WORD) - len(data))
        if not received:
            return False
        data += received
    return data == _WORD


def load(name: str) -> Runner:
    """Import the function that runs a job, with all that its first run needs."""
    gc.disable()
    module, function = name.split(":")
    run: Runner
    if name in (ENGINE, TRIALS):
        from convlint.worker.process import warmup
        from convlint.worker.sandbox.containment import contained

        (warmup.warm_up if name == ENGINE else warmup.prepare_trials)()
        run = contained(getattr(importlib.import_module(module), function))
    else:
        run = getattr(importlib.import_module(module), function)
    rehearse()
    gc.enable()
    gc.freeze()  # so that the children's collections leave the shared memory alone
    return run


def run_one(folder: Path, runner: str) -> None:
    """Run the single job that is in a folder, in this process, and leave the record there."""
    token, job = solo.read_request(folder)
    run = load(runner)
    with open(folder / solo.DUMP, "wb") as dump, open(folder / solo.RECORD, "wb") as record:
        guards.put_up(dump.fileno())
        use_folder(scratch.make(str(folder)))
        guards.limit_time(job.timeout, dump.fileno())
        perform(job, run, token, record.fileno(), dump.fileno())
        os._exit(0)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="convlint.worker.process.server")
    parser.add_argument("--control", type=int, help="descriptor of the control channel")
    parser.add_argument("--scratch", help="folder for temporary files; removed when convlint is gone")
    parser.add_argument("--one", type=Path, help="run the one job in this folder instead")
    parser.add_argument("--runner", default=ENGINE)
    parser.add_argument("--max-facts", type=int, default=MAX_BODY)
    options = parser.parse_args(arguments)
    if options.one is not None:
        run_one(options.one, options.runner)
        return
    if options.scratch is not None:
        use_folder(options.scratch)
    control = socket.socket(fileno=options.control)
    control.set_inheritable(False)
    if wait_for_word(control):
        try:
            run = load(options.runner)
        except Exception as error:
            control.sendall(pack(Frame(FrameKind.FAILED, body=f"{type(error).__name__}: {error}".encode())))
            sys.exit(1)
        Server(control, run, options.max_facts).serve()
    if options.scratch is not None:
        scratch.discard(options.scratch, seconds=_FAREWELL)
    os._exit(0)  # nothing to tidy up, and torch takes its time to do so


if __name__ == "__main__":
    main()
