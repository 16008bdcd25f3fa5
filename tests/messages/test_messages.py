"""The whole text of findings, as a user reads it. `pytest --snapshot-update` rewrites the pictures."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from convlint.check import Options, check
from convlint.report import Report
from convlint.reporters import source
from convlint.reporters.full import findings

NETS = Path(__file__).parent / "nets"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """All nets checked in one run, from the folder that they are in."""
    folder = tmp_path_factory.mktemp("messages")
    for net in NETS.glob("*.py"):
        shutil.copy(net, folder)
    before = os.getcwd()
    os.chdir(folder)
    try:
        source.forget()
        return check(["."], Options(no_cache=True)).report
    finally:
        os.chdir(before)


@pytest.mark.parametrize("name", sorted(path.name for path in NETS.glob("*.py")))
def test_message(report: Report, name: str, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(NETS)
    source.forget()
    found = [one for one in report.diagnostics if one.filename == name]
    assert len(found) == 1
    assert findings(found) == snapshot
