from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return write


@pytest.fixture
def explain(tmp_path: Path) -> Run:
    """Run `convlint explain` with arguments, in the test's folder."""

    def explain(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "convlint", "explain", *arguments],
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "110", **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return explain
