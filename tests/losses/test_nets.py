"""Models whose forward computes a loss, wrongly in `*_bad.py`, whose first line names the rule, rightly in their twins.

Torch is the judge: a wrong one raises, or makes a table of pairs out of a prediction and its target.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "nets"
FILES = sorted(FOLDER.glob("*.py"))


@pytest.fixture(scope="module")
def found() -> dict[str, list[dict[str, Any]]]:
    """The diagnostics of all nets, by file."""
    command = [sys.executable, "-m", "convlint", "--no-cache", "--output-format", "json", str(FOLDER)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    report = json.loads(run.stdout)
    assert [model["status"] for model in report["models"]] == ["checked"] * len(report["models"]), report["models"]
    by_file: dict[str, list[dict[str, Any]]] = {path.name: [] for path in FILES}
    for one in report["diagnostics"]:
        by_file[Path(one["filename"]).name].append(one)
    return by_file


@pytest.fixture(scope="module")
def wrong() -> dict[str, bool]:
    """What torch says of all nets."""
    command = [sys.executable, str(Path(__file__).with_name("judge.py")), *map(str, FILES)]
    verdicts: dict[str, bool] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return verdicts


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_torch_agrees(path: Path, wrong: dict[str, bool]) -> None:
    assert wrong[str(path)] is path.stem.endswith("_bad")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_wrong_are_found_and_no_other(path: Path, found: dict[str, list[dict[str, Any]]]) -> None:
    codes = [one["code"] for one in found[path.name]]
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert codes == ([first.removeprefix("# ")] if path.stem.endswith("_bad") else [])
