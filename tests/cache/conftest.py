"""A small project with a model, and the real command with a cache of the test's own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

NET = """
import os

import yaml
from torch import nn

from blocks import WIDTH


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        with open("sizes.yaml") as file:
            hidden = yaml.safe_load(file)["hidden"]
        if os.path.exists("wide"):
            hidden *= 2
        self.first = nn.Linear(WIDTH, hidden + int(os.environ.get("MORE", "0")))
        self.second = nn.Linear(10, 2)

    def forward(self, x):
        return self.second(self.first(x))
"""


@dataclass(frozen=True)
class Household:
    """A project, a cache, and a torch that cannot be imported."""

    folder: Path
    cache: Path
    stub: Path

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def settle(self) -> None:
        """What was changed at the very moment when a run begins is not kept."""
        time.sleep(0.15)

    def start(self, *arguments: str, without_torch: bool = False, **environment: str) -> subprocess.Popen[str]:
        given = {**os.environ, "CONVLINT_CACHE_DIR": str(self.cache), **environment}
        if without_torch:
            given["PYTHONPATH"] = str(self.stub)
        return subprocess.Popen(
            [sys.executable, "-m", "convlint", *arguments],
            cwd=self.folder,
            env=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, without_torch: bool = False, **environment: str) -> tuple[int, str, str]:
        process = self.start(*arguments, without_torch=without_torch, **environment)
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err

    def entries(self) -> list[Path]:
        return sorted(self.cache.rglob("*.entry"))


@pytest.fixture
def house(tmp_path: Path) -> Household:
    stub = tmp_path / "stub"
    (stub / "torch").mkdir(parents=True)
    (stub / "torch" / "__init__.py").write_text("raise SystemError('torch was imported')\n")
    made = Household(tmp_path / "project", tmp_path / "cache", stub)
    made.write("net.py", NET)
    made.write("blocks.py", "WIDTH = 8\n")
    made.write("sizes.yaml", "hidden: 10\n")
    made.write("pyproject.toml", "[project]\n")
    made.settle()
    return made
