"""Models that take more memory than they may, and many of them in turn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from convlint.facts import RunInput, Scenario, Way
from convlint.inputspec import InputSpec
from convlint.jobs import Job, ModelJob, TrialJob, TrialRun, Verify
from convlint.verification.verify import trial_pool

NET = """

class {name}(nn.Module):
    # convlint: input=[B, {size}]
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear({size}, {size})

    def forward(self, x):
        return {result}
"""
NETS = {
    "Weights": (16384, "self.fc(x)"),  # 1 GB
    "Twice": (10240, "self.fc(x)"),  # 400 MB, and as much to put them back after a step
    "Activations": (8, "self.fc(x.unsqueeze(1).expand(-1, 1 << 24, -1)).sum(1)"),
    "Trained": (6000, "self.fc(x)"),  # 144 MB, five times that in training
    "Fine": (8, "self.fc(x)"),
}
Report = dict[str, Any]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """All of them in one run, within 600 MB each."""
    folder = tmp_path_factory.mktemp("memory")
    (folder / "pyproject.toml").write_text("[tool.convlint.verify]\nmemory-limit = 600\n")
    nets = (NET.format(name=name, size=size, result=result) for name, (size, result) in NETS.items())
    (folder / "nets.py").write_text("from torch import nn\n" + "".join(nets))
    command = [sys.executable, "-m", "convlint", "verify", "--device", "cpu", "--output-format", "json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("name", "said", "status"),
    [
        ("Weights", "(before any run): its constructor raises MemoryError", "not verified"),
        ("Twice", "(before any run): MemoryError", "not verified"),
        ("Activations", "(batch 2, eval mode): MemoryError", "not verified"),
        ("Trained", "(batch 2, training mode): MemoryError", "confirmed"),
    ],
)
def test_a_model_that_takes_too_much_is_a_finding(report: Report, name: str, said: str, status: str) -> None:
    (found,) = [one for one in report["diagnostics"] if one["model"] == f"nets.{name}"]
    assert found["code"] == "CL025"
    assert f"`{name}` runs out of memory on cpu {said}" in found["message"]
    assert "it needs more than 600 MB; raise `memory-limit` in [tool.convlint.verify]" in found["message"]
    (model,) = [one for one in report["models"] if one["name"] == f"nets.{name}"]
    assert model["verification"]["status"] == status


def test_the_other_models_are_verified(report: Report) -> None:
    (model,) = [one for one in report["models"] if one["name"] == "nets.Fine"]
    assert {run["outcome"] for run in model["verification"]["runs"]} == {"agrees"}
    assert len(report["diagnostics"]) == 4


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
def test_many_models_in_turn_take_no_more_memory_than_a_few(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(
        "import torch\nfrom torch import nn\n\nkept = [torch.ones(1 << 22)]\n"
        + NET.format(name="Net", size=8, result="self.fc(x) + kept[0][:8]")
    )
    trial = TrialJob(
        way=Way(construction=0),
        feed=(RunInput(name="x", spec=InputSpec(shape=(2, 8))),),
        runs=(TrialRun(scenario=Scenario(training=False)),),
    )
    job = Job(
        path=str(path), filename="net.py", module="net", search_path=(str(tmp_path),), models=(ModelJob(target="Net"),),
        user_roots=(str(tmp_path),), memory=1024, verify=Verify(), trial=trial,
    )  # fmt: skip
    sizes = []
    with trial_pool() as pool:
        pool.start()
        for facts in pool.run([job] * 60):
            assert facts.trials[0].observations[0].error is None
            assert pool._server is not None
            sizes.append(resident(pool._server.pid))
    assert max(sizes[10:]) - min(sizes[:10]) < 16 << 20  # of 60 times 16 MB that the models keep


def resident(pid: int) -> int:
    """Bytes of a process that are in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
