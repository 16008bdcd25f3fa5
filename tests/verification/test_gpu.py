"""What only a GPU shows: faults on the device, its memory, and precisions that it computes in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.gpu
NETS = """import torch
from torch import nn


class Fault(nn.Module):
    # convlint: input=[B, 5]:int64
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(4, 3)

    def forward(self, tokens):
        return self.table(tokens + 10)


class Hungry(nn.Module):
    # convlint: input=[B, 8]
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x):
        return self.fc(x) + torch.zeros(1 << 42, device=x.device)[:8]


class Right(nn.Module):
    # convlint: input=[B, 3, 64, 64]
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 64, 3, padding=1)
        self.norm = nn.BatchNorm2d(64)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        return self.fc(x.mean((2, 3))) + torch.ones(10).cuda()


class Wide(nn.Module):
    # convlint: input=[B, 1024, 512]
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(512, 512)
        self.second = nn.Linear(512, 512)

    def forward(self, x):
        return torch.sigmoid(self.second(torch.relu(self.first(x))))


class Stays(nn.Module):
    # convlint: input=[B, 3]
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x):
        return self.fc(x) + torch.ones(3)
"""
BATCH = "128"
Report = dict[str, Any]


def verified(folder: Path, *options: str) -> Report:
    (folder / "nets.py").write_text(NETS)
    command = [sys.executable, "-m", "convlint", "verify", *options, "--device", "cuda", "--output-format", "json"]
    done = subprocess.run(command, cwd=folder, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """All nets in one run: what breaks one process must leave the next alone."""
    return verified(tmp_path_factory.mktemp("gpu"), "nets.py")


def of(report: Report, name: str) -> Any:
    return next(one["verification"] for one in report["models"] if one["name"] == f"nets.{name}")


def codes(report: Report, name: str) -> list[str]:
    return [one["code"] for one in report["diagnostics"] if one["model"] == f"nets.{name}"]


def test_a_fault_on_the_device_is_a_finding_at_its_call(report: Report) -> None:
    assert codes(report, "Fault") == ["CL201"]
    (found,) = [one for one in report["diagnostics"] if one["code"] == "CL201"]
    assert found["location"]["row"] == 12


def test_behind_a_fault_the_next_models_are_verified(report: Report) -> None:
    assert of(report, "Right")["status"] == "confirmed"
    assert {run["outcome"] for run in of(report, "Right")["runs"]} == {"agrees"}


def test_what_does_not_fit_is_a_finding(report: Report) -> None:
    assert codes(report, "Hungry") == ["CL025"]
    assert {run["outcome"] for run in of(report, "Hungry")["runs"]} == {"out of memory"}
    assert of(report, "Hungry")["status"] == "not verified"


def test_a_tensor_that_stays_on_the_host_is_found(report: Report) -> None:
    assert codes(report, "Stays") == ["CL020"]
    (found,) = [one for one in report["diagnostics"] if one["model"] == "nets.Stays"]
    assert "same device" in found["message"]


def test_memory_is_measured_beside_the_forecast(tmp_path: Path) -> None:
    """At a batch beside which what cuDNN takes is small."""
    budget = of(verified(tmp_path, "nets.py:Wide", "--budget", "--batch", BATCH), "Wide")["budget"]
    need, use = budget["need"], budget["used"]
    assert need["forward"] + need["workspace"] == pytest.approx(use["forward"], rel=0.1)
    assert need["step"] + need["workspace"] == pytest.approx(use["step"], rel=0.1)
    assert budget["used"]["reserved"] >= budget["used"]["step"]
    assert budget["capacity"]["found"] > 0
    assert budget["seconds"] > 0
    assert budget["limits"]["flops"] > 0


@pytest.mark.parametrize("precision", ["bf16", "autocast"])
def test_lower_precisions(tmp_path: Path, precision: str) -> None:
    found = verified(tmp_path, "nets.py:Right", "--dtype", precision)
    assert (codes(found, "Right"), of(found, "Right")["status"]) == ([], "confirmed")
