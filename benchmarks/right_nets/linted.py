"""What convlint says of the nets, from the command line, as a user would run it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.right_nets.net import RightNet


@dataclass(frozen=True)
class Verdict:
    """A net's models and findings in one of the two ways."""

    net: RightNet
    way: str  # "bare" or "declared"
    status: str
    reason: str | None
    findings: tuple[dict[str, Any], ...]

    @property
    def errors(self) -> tuple[dict[str, Any], ...]:
        return tuple(one for one in self.findings if one["severity"] == "error")


def linted(nets: Sequence[RightNet], way: str, keep: Path | None) -> list[Verdict]:
    """The nets in files of their own in one folder, linted in one run."""
    with tempfile.TemporaryDirectory(prefix="right-nets-") as temporary:
        folder = keep / way if keep else Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.py"):
            old.unlink()
        (folder / "pyproject.toml").write_text("[tool.convlint]\n", encoding="utf-8")
        for net in nets:
            (folder / f"{net.name}.py").write_text(net.file(declared=way == "declared"), encoding="utf-8")
        command = [sys.executable, "-m", "convlint", "--no-cache", "--output-format", "json", "."]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise RuntimeError(f"convlint gave no report:\n{done.stderr[-2000:]}")
    report = json.loads(done.stdout)
    return [_verdict(net, way, report) for net in nets]


def _verdict(net: RightNet, way: str, report: dict[str, Any]) -> Verdict:
    file = f"{net.name}.py"
    findings = tuple(one for one in report["diagnostics"] if one["filename"] == file)
    models = [one for one in report["models"] if one["filename"] == file]
    model = next((one for one in models if one["name"].rpartition(".")[2] == "Net"), None)
    if model is None:
        return Verdict(net, way, "missing", None, findings)
    return Verdict(net, way, model["status"], model["reason"], findings)
