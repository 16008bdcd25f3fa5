"""A project with hostile files, a home and a temporary folder of its own, and convlint run on it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cases import FINE, Case

MARK = "HOSTILE_TEST"
PYPROJECT = "[tool.convlint]\nmemory-limit = 512\n"
NEIGHBOURS = {"neighbour.py": FINE.format(size=20), "wrong.py": FINE.format(size=30)}


@dataclass(frozen=True)
class Outcome:
    """What a run said, and what it left."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    processes: tuple[int, ...]  # that still run
    files: tuple[str, ...]  # that user code has written
    connected: bool  # whether it reached the port

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    def findings(self, filename: str) -> list[dict[str, Any]]:
        return [one for one in self.report["diagnostics"] if one["filename"] == filename]

    @property
    def statuses(self) -> dict[str, str]:
        return {one["filename"]: one["status"] for one in self.report["models"]}


@dataclass(frozen=True)
class Household:
    """The folders around one project."""

    folder: Path
    mark: str = field(default_factory=lambda: os.urandom(8).hex())

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def furnish(self, cases: Sequence[Case], neighbours: Sequence[str] = tuple(NEIGHBOURS)) -> None:
        for name in ("project", "home/.cache", "tmp"):
            (self.folder / name).mkdir(parents=True)
        (self.project / "pyproject.toml").write_text(PYPROJECT)
        for name in neighbours:
            (self.project / name).write_text(NEIGHBOURS[name])
        for case in cases:
            case.write(self.project)

    def environment(self, port: int, packages: Path | None) -> dict[str, str]:
        own = {"HOME": self.folder / "home", "TMPDIR": self.folder / "tmp", "PYTHONPATH": packages or ""}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "CONVLINT"))}
        return {**kept, **{name: str(path) for name, path in own.items()}, MARK: self.mark, "HOSTILE_PORT": str(port)}

    def start(self, *arguments: str, port: int = 0, packages: Path | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "convlint", *arguments],
            cwd=self.project,
            env=self.environment(port, packages),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, limit: float = 240.0, packages: Path | None = None) -> Outcome:
        with socket.create_server(("127.0.0.1", 0)) as door:
            started = time.monotonic()
            process = self.start(*arguments, port=door.getsockname()[1], packages=packages)
            try:
                stdout, stderr = process.communicate(timeout=limit)
            finally:
                process.kill()
            seconds = time.monotonic() - started
            door.settimeout(0.1)
            left = (tuple(self.processes()), tuple(self.files()), _has_visitor(door))
        return Outcome(process.returncode, stdout, stderr, seconds, *left)

    def processes(self) -> Iterator[int]:
        """What carries this household's mark and still runs."""
        mark = f"{MARK}={self.mark}".encode()
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (entry / "environ").read_bytes() and ") Z " not in (entry / "stat").read_text():
                    yield int(entry.name)
            except OSError:
                continue

    def files(self) -> Iterator[str]:
        """What user code has written anywhere, what it has removed, bytecode, and what is left of temporary files."""
        for path in self.folder.rglob("*"):
            if "hostile" in path.name or path.suffix == ".pyc" or path.name.startswith("core"):
                yield str(path)
        yield from map(str, (self.folder / "tmp").iterdir())
        yield from (f"no {name}" for name in ("pyproject.toml", "neighbour.py") if not (self.project / name).exists())


def _has_visitor(door: socket.socket) -> bool:
    try:
        door.accept()[0].close()
    except OSError:
        return False
    return True
