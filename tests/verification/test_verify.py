"""The whole pass, as a user runs it: what it says of sound, wrong, unsound and lying nets; on a GPU if one is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

NETS = Path(__file__).parent / "nets"
Report = dict[str, Any]


def convlint(*arguments: str, folder: Path = NETS) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "convlint", *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "110"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module", params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def report(request: pytest.FixtureRequest) -> Report:
    """One run over all nets."""
    done = convlint("verify", ".", "--device", request.param, "--output-format", "json")
    assert done.returncode == 1, done.stderr
    return dict(json.loads(done.stdout))


def model(report: Report, name: str) -> Any:
    return next(one for one in report["models"] if one["name"] == name)


def verdict(report: Report, name: str) -> Any:
    return model(report, name)["verification"]


def on_device(report: Report) -> dict[str, str]:
    """For a message: what its device is called."""
    return {"device": verdict(report, "right.Right")["device"]["name"]}


def codes(report: Report, name: str) -> list[str]:
    return [one["code"] for one in report["diagnostics"] if one["model"] == name]


def finding(report: Report, name: str, code: str) -> Any:
    return next(one for one in report["diagnostics"] if (one["model"], one["code"]) == (name, code))


RIGHT = ["right.Right", "right.Sizes", "right.Moved", "right.Mixed", "unsound.Masked", "unsound.Weightless"]


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_said_to_run_runs(report: Report, name: str) -> None:
    assert codes(report, name) == []
    found = verdict(report, name)
    assert (found["status"], found["troubles"]) == ("confirmed", [])
    assert {run["outcome"] for run in found["runs"]} == {"agrees"}
    assert all(run["calls"] > 0 for run in found["runs"])


def test_each_entry_of_the_configuration_is_run_as_declared(report: Report) -> None:
    found = [one for one in report["models"] if one["name"] == "right.Declared"]
    assert [one["inputs"][0]["shape"] for one in found] == [["B", 5], ["B", 7]]
    assert [one["verification"]["status"] for one in found] == ["confirmed", "confirmed"]


def test_a_norm_of_single_values_is_refused_as_predicted_and_no_finding(report: Report) -> None:
    assert codes(report, "right.Single") == []
    found = verdict(report, "right.Single")
    assert (found["status"], found["requirements"]) == ("confirmed", 0)
    outcomes = [run["outcome"] for run in found["runs"] if run["scenario"]["title"] == "usual"]
    assert outcomes == ["agrees", "agrees", "agrees", "refused as predicted"]


@pytest.mark.parametrize("precision", ["bf16", "autocast"])
def test_predictions_hold_in_other_precisions(precision: str) -> None:
    done = convlint("verify", "right.py", "--device", "cpu", "--dtype", precision, "--output-format", "json")
    assert {one["verification"]["status"] for one in json.loads(done.stdout)["models"]} == {"confirmed"}
    assert json.loads(done.stdout)["diagnostics"] == []


def test_each_mode_and_batch_is_run(report: Report) -> None:
    runs = [run["scenario"] for run in verdict(report, "right.Right")["runs"]]
    assert [(run["training"], run["sizes"]["B"]) for run in runs if run["title"] == "usual"] == [
        (False, 2),
        (True, 2),
        (False, 1),
        (True, 1),
    ]


def test_the_smallest_the_usual_and_the_largest_size_are_run(report: Report) -> None:
    runs = [run["scenario"] for run in verdict(report, "right.Sizes")["runs"]]
    assert {run["title"]: run["sizes"]["H"] for run in runs} == {"usual": 224, "smallest": 9, "largest": 320}


@pytest.mark.parametrize(
    ("name", "mistakes", "edits"),
    [
        ("wrong.OneMistake", 1, True),
        ("wrong.TwoMistakes", 2, True),
        ("wrong.FoldedBatch", 1, True),
        ("wrong.Recurrent", 1, True),
        ("wrong.Constructor", 1, None),
    ],
)
def test_what_is_said_to_be_wrong_is_refused_at_that_call(
    report: Report, name: str, mistakes: int, edits: bool | None
) -> None:
    found = verdict(report, name)
    assert (found["status"], found["requirements"], found["edits"]) == ("confirmed", mistakes, edits)
    assert {code[:3] for code in codes(report, name)} == {"CL1"}
    assert {run["outcome"] for run in found["runs"]} <= {"refused as predicted"}


@pytest.mark.parametrize(
    ("name", "code", "row", "said"),
    [
        ("lying.Raises", "CL020", 18, "raises on {device}: RuntimeError: only for real"),
        ("lying.Runs", "CL021", 30, "`second` was predicted to fail, but runs on {device}"),
        ("lying.EditFails", "CL022", 82, "still fails on {device}: RuntimeError: still wrong"),
        ("lying.OtherShape", "CL023", 40, "predicted [2, 6] float32, observed [2, 3] float32"),
        ("lying.OtherDtype", "CL023", 50, "predicted [2, 6] float32, observed [2, 6] float64"),
        ("lying.OtherLayout", "CL023", 60, "contiguous, observed [2, 4, 224, 224] float32 channels last"),
        ("lying.OtherCall", "CL023", 70, "another call comes on {device} than predicted: one, really other"),
    ],
)
def test_where_a_run_tells_another_story_convlint_is_refuted(
    report: Report, name: str, code: str, row: int, said: str
) -> None:
    assert verdict(report, name)["status"] == "refuted"
    found = finding(report, name, code)
    assert said.format(**on_device(report)) in found["message"]
    assert found["location"]["row"] == row
    assert "please report it" in found["hint"]


@pytest.mark.parametrize(
    ("name", "code", "row", "said"),
    [
        ("unsound.Uninitialised", "CL202", 7, "`scale` of a new model holds nan or inf: nothing initialises it"),
        ("unsound.Infinite", "CL202", 24, "the output holds inf, and `.__rtruediv__` is the first to make it"),
        ("unsound.Idle", "CL301", 31, "no gradient reaches `unused` (bias, weight)"),
        ("partial.Partial", "CL024", 16, "forward of `Partial` raises on {device}: RuntimeError: mat1 and mat2"),
    ],
)
def test_what_is_wrong_beside_shapes_is_a_finding(report: Report, name: str, code: str, row: int, said: str) -> None:
    found = finding(report, name, code)
    assert said.format(**on_device(report)) in found["message"]
    assert found["location"]["row"] == row


def test_each_idle_layer_is_one_finding(report: Report) -> None:
    assert codes(report, "unsound.Idle") == ["CL301", "CL301"]


def test_the_summary_counts_verdicts(report: Report) -> None:
    summary = report["summary"]
    statuses = [one["verification"]["status"] for one in report["models"]]
    assert summary["confirmed"] == statuses.count("confirmed")
    assert summary["refuted"] == statuses.count("refuted") == 7


def test_the_report_has_a_table(snapshot: Any) -> None:
    done = convlint("verify", "right.py", "wrong.py:TwoMistakes", "--device", "cpu", "--select", "CL0")
    lines = [line.rstrip("0123456789.") for line in done.stdout.splitlines()]
    assert [line for line in lines if not line.startswith("cpu:")] == snapshot


missing = partial(convlint, "verify", "right.py", "--device", "xpu:7")


def test_without_the_device_all_is_skipped_in_plain_words() -> None:
    done = missing()
    assert (done.returncode, done.stdout) == (0, "")
    assert "verification is skipped" in done.stderr


def test_a_missing_device_fails_where_it_is_required(tmp_path: Path) -> None:
    done = missing("--require-device")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nothing was verified" in done.stderr
    (tmp_path / "pyproject.toml").write_text('[tool.convlint.verify]\ndevice = "xpu:7"\nrequire-device = true\n')
    (tmp_path / "net.py").write_text("import torch\n")
    assert convlint("verify", folder=tmp_path).returncode == 2


def test_a_device_that_can_be_none_is_a_wrong_usage(tmp_path: Path) -> None:
    done = convlint("verify", "right.py", "--device", "gpu")
    assert done.returncode == 2
    assert '"gpu" is not a device' in done.stderr
    (tmp_path / "pyproject.toml").write_text('[tool.convlint.verify]\ndevice = "gpu"\n')
    done = convlint("verify", folder=tmp_path)
    assert done.returncode == 2
    assert '"gpu" is not a device' in done.stderr
