"""The worker server's process, as convlint holds it: started, talked to, and surely gone in the end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from convlint.protocol import scratch
from convlint.protocol.frames import Frame, FrameError, FrameKind, Unpacker, pack
from convlint.protocol.leftovers import MARK, kill_marked, new_mark

START_LIMIT = 300.0  # seconds: a cold network disk may need minutes for torch

_PATIENCE = 2.0  # seconds for the next byte, even when the caller comes late to fetch it
_FAREWELL = 3.0  # seconds that the server has to bury its children
_CHUNK = 1 << 20

_ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "",
    "HIP_VISIBLE_DEVICES": "",
    "ROCR_VISIBLE_DEVICES": "",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "MPLBACKEND": "Agg",
    "QT_QPA_PLATFORM": "offscreen",
    "SDL_VIDEODRIVER": "dummy",
    "HF_HUB_OFFLINE": "1",
    "WANDB_MODE": "disabled",
    "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES",  # macOS: the server forks after importing torch
    "PYTHONHASHSEED": "0",
    "PYTHONIOENCODING": "utf-8:backslashreplace",
}


class ServerError(Exception):
    """The worker server cannot run at all: no torch, or a broken one. No file is to blame."""


class ServerGone(Exception):
    """The server ended, or says what no server says."""


class ServerStuck(Exception):
    """The server did not answer in time."""


def command(options: Sequence[str]) -> list[str]:
    """How to start the worker: with this interpreter, and without the working directory on its path."""
    root = str(Path(__file__).parents[2])
    # Last on the path, and no `-m`: a user's module in convlint's place, or a spawned copy, does no harm.
    code = f"import sys; sys.path.append({root!r}); from convlint.worker.process.server import main; main()"
    return [sys.executable, "-P", "-c", code, *options]


def environment(mark: str, *, on_device: bool = False) -> dict[str, str]:
    """The environment of the worker and of all below it; accelerators and cores are for real runs only."""
    if on_device:
        plain = {name: value for name, value in _ENVIRONMENT.items() if not name.endswith(("_DEVICES", "_THREADS"))}
        return os.environ | plain | {MARK: mark}
    return os.environ | _ENVIRONMENT | {MARK: mark}


class ServerProcess:
    """One worker server: it waits for `begin` before it loads torch."""

    def __init__(self, options: Sequence[str] = (), *, on_device: bool = False) -> None:
        self._mark = new_mark()
        self._frames = Unpacker()
        self._arrived: deque[Frame] = deque()
        self.ready = False
        self._begun: float | None = None
        self._scratch = scratch.make()
        self._control, far = socket.socketpair()
        with far:
            self._process = subprocess.Popen(
                command(["--control", str(far.fileno()), "--scratch", self._scratch, *options]),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment(self._mark, on_device=on_device),
                pass_fds=[far.fileno()],
                start_new_session=True,  # so that Ctrl-C reaches convlint alone
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def begin(self) -> None:
        """Let it load torch. Returns at once."""
        if self._begun is None:
            self._begun = time.monotonic()
            with suppress(ServerGone):  # whoever waits for it is said why
                self.send(Frame(FrameKind.BEGIN))

    def dismiss(self) -> None:
        """End it, unless it has begun, and is another's to end."""
        if self._begun is None:
            self.stop()

    def wait_until_ready(self) -> None:
        """Wait for the imports to be done; ServerError when they fail."""
        self.begin()
        assert self._begun is not None
        try:
            frame = None if self.ready else self.receive(self._begun + START_LIMIT)
        except ServerGone:
            raise ServerError(f"the worker ended while it started: {self._complaint()}") from None
        except ServerStuck:
            raise ServerError(f"the worker did not start within {START_LIMIT:g} s") from None
        if frame is not None and frame.kind is not FrameKind.READY:
            reason = frame.body.decode(errors="replace")
            raise ServerError(f"{sys.executable} cannot run the worker: {reason}")
        self.ready = True

    def send(self, frame: Frame) -> None:
        try:
            self._control.settimeout(START_LIMIT)
            self._control.sendall(pack(frame))
        except OSError:
            raise ServerGone from None

    def receive(self, deadline: float) -> Frame:
        """The next frame; ServerStuck when none comes before the deadline."""
        while not self._arrived:
            try:
                self._control.settimeout(max(_PATIENCE, deadline - time.monotonic()))
                data = self._control.recv(_CHUNK)
                self._arrived.extend(self._frames.feed(data))
            except TimeoutError:
                raise ServerStuck from None
            except (OSError, FrameError):
                data = b""
            if not data:
                raise ServerGone
        return self._arrived.popleft()

    def stop(self, *, at_once: bool = False) -> None:
        """End the server and everything below it."""
        self._control.close()  # which says it to bury its children
        orderly = False
        if self.ready and not at_once:
            with suppress(subprocess.TimeoutExpired):
                orderly = self._process.wait(_FAREWELL) == 0
        if not orderly:
            self._process.kill()
            if self.ready:  # else it had no children yet
                kill_marked(self._mark)
        self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()
        scratch.discard_for_good(self._scratch)

    def _complaint(self) -> str:
        """The last line of its stderr, or how it ended."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_FAREWELL)
        words = b""
        if self._process.stderr is not None:
            os.set_blocking(self._process.stderr.fileno(), False)
            words = self._process.stderr.read() or b""
        lines = words.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit status {self._process.returncode}"
