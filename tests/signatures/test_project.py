"""Signatures of a project's own: from pyproject.toml to the report."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SIGNATURES = """\
schema = 1

[[signature]]
name      = "fastops.blend"
arguments = "a, b, weight=0.5"
inputs    = ["*batch d", "*batch d"]
output    = "*batch d"

[[signature]]
layer       = "fastops.layers.Mix"
constructor = "size, to=None, bias=True"
arguments   = "x"
let         = { out = "size if to is None else to" }
inputs      = { x = "*batch size" }
output      = "*batch out"
parameters  = { weight = "out size", bias = { shape = "out", when = "bias" } }
"""
NET = """\
import torch
from torch import nn
import fastops
from fastops.layers import Mix


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.left = nn.Linear(16, 32)
        self.right = nn.Linear(16, 32)
        self.mix = Mix(32, to=8)

    def forward(self, x):
        return torch.relu(self.mix(fastops.blend(self.left(x), self.right(x), weight=0.2)))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[tool.convlint]\nsignatures = ["./signatures"]\n')
    (tmp_path / "signatures").mkdir()
    (tmp_path / "signatures" / "fastops.toml").write_text(SIGNATURES)
    (tmp_path / "net.py").write_text(NET)
    return tmp_path


def convlint(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "convlint", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_model_with_own_operators_is_checked(project: Path) -> None:
    done = convlint(project, "net.py", "--output-format", "concise")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 model checked" in done.stdout
    told = convlint(project, "explain", "net.py:Net")
    assert "-> [B, 8]" in told.stdout
    assert "parameters: 8*32 + 8 = 264" in told.stdout


def test_without_the_signatures_it_is_skipped(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.convlint]\n")
    done = convlint(project, "net.py", "-v")
    assert "the package fastops is not installed" in done.stdout
    assert "0 models checked" in done.stdout


def test_what_a_signature_says_is_part_of_what_is_cached(project: Path) -> None:
    assert convlint(project, "net.py").returncode == 0
    path = project / "signatures" / "fastops.toml"
    path.write_text(SIGNATURES.replace('["*batch d", "*batch d"]', '["*batch d", "*batch 2*d"]'))
    done = convlint(project, "net.py", "--output-format", "concise")
    assert done.returncode == 1, done.stdout
    assert "CL120" in done.stdout
    assert "net.py:15" in done.stdout
    (project / "signatures" / "more.toml").write_text("schema = 1\nsignature = 7\n")
    assert convlint(project, "net.py").returncode == 2


def test_a_mistake_in_a_signature_ends_the_run(project: Path) -> None:
    path = project / "signatures" / "fastops.toml"
    path.write_text(SIGNATURES.replace("output    =", "outputs   ="))
    done = convlint(project, "net.py")
    assert done.returncode == 2
    place = os.path.join("signatures", "fastops.toml")
    assert f'{place}:7: unknown key "signature[0].outputs"; did you mean "output"?' in done.stderr
    assert done.stdout == ""


def test_a_folder_that_is_not_there_ends_the_run(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.convlint]\nsignatures = ["./signature"]\n')
    done = convlint(project, "net.py")
    assert done.returncode == 2
    assert 'there is no such file or folder; "signatures" names it' in done.stderr


def test_a_model_whose_operator_is_only_declared_is_not_verified(project: Path) -> None:
    done = convlint(project, "verify", "net.py", "--device", "cpu")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 not verified" in done.stdout
    assert "CL020" not in done.stdout


COMPILED = """\
import torch


def blend(a, b, weight=0.5):
    if type(a) is not torch.Tensor:
        raise NotImplementedError("the kernel needs memory")
    return a * weight + b
"""


def test_a_package_that_is_there_runs_on_real_tensors_alone(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    packages = tmp_path_factory.mktemp("packages")
    (packages / "fastops.py").write_text(COMPILED)
    text = SIGNATURES.partition("[[signature]]\nlayer")[0].replace("arguments", "compiled  = true\narguments")
    (project / "signatures" / "fastops.toml").write_text(text)
    (project / "net.py").write_text(
        NET.replace("from fastops.layers import Mix\n", "").replace("Mix(32, to=8)", "nn.Linear(32, 8)")
    )
    done = convlint(project, "net.py", PYTHONPATH=os.pathsep.join([str(packages), *sys.path]))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 model checked" in done.stdout
    verified = convlint(
        project, "verify", "net.py", "--device", "cpu", PYTHONPATH=os.pathsep.join([str(packages), *sys.path])
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "1 confirmed" in verified.stdout
