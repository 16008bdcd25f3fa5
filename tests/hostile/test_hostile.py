"""Real runs of convlint over files that harm: each is one finding at most, and nothing else comes to harm."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from cases import BROKEN, GROUPS, QUIET, SLOW, Case, Group
from household import Household, Outcome

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for what is left in /proc")

LIMIT = 90.0  # seconds for a run; generous, since the machine may be busy
ALL = [pytest.param(group, case, id=case.name) for group in GROUPS for case in group.cases]


@pytest.fixture(scope="module")
def outcome_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Group], Outcome]:
    """One run for each group of cases."""

    @cache
    def outcome_of(group: Group) -> Outcome:
        household = Household(tmp_path_factory.mktemp(group.name))
        household.furnish(group.cases, group.neighbours)
        return household.run("--output-format", "json", "--timeout", f"{group.timeout}", ".")

    return outcome_of


def case(name: str) -> Case:
    return next(one for one in (*SLOW, *BROKEN, *QUIET) if one.name == name)


def run_alone(folder: Path, name: str, *arguments: str) -> Outcome:
    household = Household(folder)
    household.furnish([case(name)], ["neighbour.py"])
    return household.run(*arguments, ".")


@pytest.mark.parametrize(("group", "case"), ALL)
def test_the_right_finding_at_the_right_place(group: Group, case: Case, outcome_of: Callable[[Group], Outcome]) -> None:
    found = outcome_of(group).findings(case.filename)
    codes = tuple(one["code"] for one in found)
    assert codes in (case.codes, *case.also), found
    assert not found or case.says in found[0]["message"]
    assert not found or case.row in (None, found[0]["location"]["row"])
    # What is not a finding is told all the same; what has never ended was not checked.
    status = outcome_of(group).statuses.get(case.filename)
    assert found or status in (("skipped",) if case.codes else ("checked", "partial", "skipped"))


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_nothing_else_comes_to_harm(group: Group, outcome_of: Callable[[Group], Outcome]) -> None:
    outcome = outcome_of(group)
    assert (outcome.code, outcome.stderr) == (group.exit_code, "")
    assert outcome.seconds < LIMIT
    assert (outcome.processes, outcome.files, outcome.connected) == ((), (), False)
    for name in group.neighbours:
        assert outcome.statuses[name] == "checked"
        wrong = [(one["code"], one["location"]["row"]) for one in outcome.findings(name)]
        assert wrong == ([("CL101", 8)] if name == "wrong.py" else [])
    assert "CL999" not in {one["code"] for one in outcome.report["diagnostics"]}


@pytest.mark.parametrize("output_format", ["full", "concise"])
def test_names_do_not_steer_the_terminal(tmp_path: Path, output_format: str) -> None:
    outcome = run_alone(tmp_path, "nasty_names", "--output-format", output_format, "-v")
    assert outcome.code == 1
    assert "CL101" in outcome.stdout
    assert not {"\x1b", "\x07", "\r"} & set(outcome.stdout + outcome.stderr)


def test_interrupted_in_the_middle(tmp_path: Path) -> None:
    household = Household(tmp_path)
    household.furnish([case("loop_import"), case("burst_in_c"), case("fills_temporary")])
    process = household.start(".")
    _until(lambda: len(list(household.processes())) > 3)
    os.kill(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr.strip()) == (130, "convlint: interrupted")
    assert (tuple(household.processes()), tuple(household.files())) == ((), ())


def test_killed_in_the_middle(tmp_path: Path) -> None:
    household = Household(tmp_path)
    household.furnish([case("loop_import")])
    process = household.start(".")
    _until(lambda: len(list(household.processes())) > 2)
    process.kill()
    process.communicate(timeout=30)
    _until(lambda: not list(household.processes()) and not list(household.files()))
    assert (tuple(household.processes()), tuple(household.files())) == ((), ())


def test_verbose_tells_the_guards(tmp_path: Path) -> None:
    outcome = run_alone(tmp_path, "kills_itself", "-v", "--timeout", "20")
    (line,) = [line for line in outcome.stdout.splitlines() if line.startswith("guards: ")]
    assert line.startswith("guards: time 20 s, memory 512 MB, processor 25 s, files 1024 MB, no core dumps")
    assert "audit hook" in line
    assert "Landlock" in line


def test_side_effects_can_be_ignored(tmp_path: Path) -> None:
    outcome = run_alone(tmp_path, "writes_at_import", "--ignore", "CL007", "--output-format", "json")
    assert outcome.findings("writes_at_import.py") == []
    assert outcome.statuses["writes_at_import.py"] == "checked"


def test_side_effects_are_told_together(tmp_path: Path) -> None:
    outcome = run_alone(tmp_path, "writes_at_import", "--output-format", "json")
    (found,) = outcome.findings("writes_at_import.py")
    assert found["message"] == (
        "this file deletes neighbour.py while it is checked, which convlint refuses (and 2 more)"
    )
    assert [one["message"] for one in found["related"]] == ["deletes pyproject.toml", "writes hostile-project"]


PACKAGE = """
from pathlib import Path

cache = Path.home() / ".cache" / "hostile-package"
try:
    cache.mkdir()
except OSError:
    pass


def prepare():
    try:
        (cache / "fonts").write_text("hostile")
    except OSError:
        pass


def save(path):
    try:
        open(path, "w").close()
    except OSError:
        pass
"""

SCRIPT = """
import package
from torch import nn

package.save("hostile-script")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        package.prepare()
        self.fc = nn.Linear(10, 3)

    def forward(self, x):
        {call}
        return self.fc(x)
"""


@pytest.mark.parametrize("call", ["pass", 'package.save("hostile-model")'])
def test_what_convlint_chose_to_call_is_passed_over(tmp_path: Path, call: str) -> None:
    household = Household(tmp_path)
    household.furnish([], ["neighbour.py"])
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "package.py").write_text(PACKAGE)
    (household.project / "script.py").write_text(SCRIPT.format(call=call))
    outcome = household.run("--output-format", "json", ".", packages=packages)
    assert [one["code"] for one in outcome.findings("script.py")] == []
    assert (outcome.statuses["script.py"], outcome.code, outcome.files) == ("checked", 0, ())


def _until(condition: Callable[[], bool]) -> None:
    time_limit = time.monotonic() + 30
    while not condition() and time.monotonic() < time_limit:
        time.sleep(0.05)
