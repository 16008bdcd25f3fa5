"""The bar on a terminal: there for a run that takes time, gone before the report, and never in a pipe."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[[str, str], Path]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
NET = """
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(x)
"""


def on_a_terminal(folder: Path, *arguments: str) -> str:
    """What a run writes to stderr, which is a terminal, while stdout is a pipe."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    run = subprocess.Popen(
        [sys.executable, "-m", "convlint", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=follower,
    )
    os.close(follower)
    said = b""
    try:
        while chunk := os.read(leader, 4096):
            said += chunk
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(leader)
    run.wait()
    return said.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
def test_a_slow_run_shows_a_bar(tmp_path: Path, write: Write) -> None:
    write("net.py", NET.replace("self.fc =", "__import__('time').sleep(3)\n        self.fc ="))
    assert "checking" in on_a_terminal(tmp_path, "--no-cache", ".")
    assert "checking" not in on_a_terminal(tmp_path, "--no-cache", "-q", ".")


def test_none_in_a_pipe(convlint: Run, write: Write) -> None:
    write("net.py", NET)
    assert "checking" not in convlint("--no-cache").stderr


def test_jobs_change_nothing_but_time(convlint: Run, write: Write) -> None:
    for number in range(3):
        write(f"net{number}.py", NET)
    one, many = (convlint("--no-cache", "--output-format", "json", "-j", jobs) for jobs in ("1", "8"))
    assert one.stdout == many.stdout
