"""The command line itself: help, versions, wrong usage. Nothing here has a model to run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from convlint import __version__

Write = Callable[[str, str], Path]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["check", "--help"]])
def test_help_shows_the_options(convlint: Run, arguments: list[str]) -> None:
    result = convlint(*arguments)
    assert result.returncode == 0
    assert "--output-format" in result.stdout
    assert not result.stderr


def test_help_of_the_group_says_what_convlint_is(convlint: Run) -> None:
    assert "Find mistakes in PyTorch programs before they run." in convlint("--help").stdout


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version(convlint: Run, option: str) -> None:
    assert convlint(option).stdout == f"convlint {__version__}\n"


def test_help_imports_nothing_slow(folder: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "convlint", "--help"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "click" in imported
    assert imported.isdisjoint({"torch", "pydantic", "rich", "pathspec", "numpy", "sympy"})


def test_without_paths_the_working_directory_is_checked(convlint: Run, write: Write) -> None:
    write("a.py", "x = 1\n")
    result = convlint()
    assert (result.returncode, result.stdout) == (0, "No models in 1 file: nothing to check.\n")
    assert convlint("check").stdout == result.stdout
    assert convlint("check", ".").stdout == result.stdout


def test_without_a_model_the_worker_is_not_even_imported(folder: Path, write: Write) -> None:
    write("a.py", "import torch\nx = torch.ones(3)\nclass A: pass\n")
    code = (
        "import sys; from convlint.cli import run; code = run(['.', '-q']);"
        "print(code, [name for name in ('torch', 'convlint.pool.pool', 'convlint.worker') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert result.stdout == "0 []\n"


def test_quiet_prints_nothing_when_nothing_is_found(convlint: Run, write: Write) -> None:
    write("a.py", "x = 1\n")
    result = convlint("-q")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--outputformat", "json"], "No such option"),
        (["--output-format", "xml"], "'xml' is not one of"),
        (["--timeout", "0"], "0"),
        (["--fail-on", "never"], "'never' is not one of"),
        (["--select", "CL9999"], "CL9999"),
        (["--ignore", "linear-in-feature"], "'linear-in-features'"),
        (["--input", "B,-1", "a.py:Net"], "a size is a whole number from 0"),
        (["--config", "none.toml"], "none.toml: there is no such configuration file"),
        (["a.py:Net"], 'a.py: no model is called "Net"'),
        (["--input", "B,1"], "--input is for exactly one model, but none would be checked"),
        (["nothing/*.py"], "nothing/*.py: no file matches this pattern"),
        (["b.py"], "b.py: no such file or directory; did you mean 'a.py'?"),
    ],
)
def test_wrong_usage_ends_with_2(convlint: Run, write: Write, arguments: list[str], complaint: str) -> None:
    write("a.py", "x = 1\n")
    result = convlint(*arguments)
    assert result.returncode == 2, result
    assert complaint in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_configuration_ends_with_2(convlint: Run, write: Write) -> None:
    write("pyproject.toml", "[tool.convlint]\nexcude = ['a']\n")
    write("a.py", "x = 1\n")
    result = convlint()
    assert result.returncode == 2
    assert result.stderr == (
        'convlint: pyproject.toml:2: unknown key "tool.convlint.excude"; did you mean "exclude"?\n'
    )
    assert not result.stdout


def test_a_missing_path_does_not_lose_the_findings(convlint: Run, write: Write) -> None:
    write("broken.py", "def f(:\n")
    result = convlint("none.py", "broken.py", "--output-format", "concise")
    assert result.returncode == 2
    assert "none.py: no such file or directory" in result.stderr
    assert result.stdout.startswith("broken.py:1:7: CL002 ")


def test_files_that_cannot_be_read_are_findings(convlint: Run, folder: Path, write: Write) -> None:
    write("broken.py", "import torch\nclass Net(torch.nn.Module:\n")
    (folder / "binary.py").write_bytes(b"\x7fELF\0\0")
    result = convlint("--output-format", "json")
    report = json.loads(result.stdout)
    assert result.returncode == 1
    assert [(one["code"], one["filename"]) for one in report["diagnostics"]] == [
        ("CL001", "binary.py"),
        ("CL002", "broken.py"),
    ]
    assert report["summary"]["files"] == 2


def test_selection_keeps_what_could_not_be_analysed(convlint: Run, write: Write) -> None:
    write("broken.py", "def f(:\n")
    assert convlint("broken.py", "--select", "CL101").returncode == 1
    assert convlint("broken.py", "--ignore", "CL002").returncode == 0
    assert convlint("broken.py", "--select", "CL1", "--ignore", "CL0,CL199").returncode == 0


def test_a_report_in_a_file(convlint: Run, folder: Path, write: Write) -> None:
    write("broken.py", "def f(:\n")
    result = convlint("broken.py", "--output-format", "json", "--output-file", "report.json")
    assert (result.returncode, result.stdout) == (1, "")
    assert json.loads((folder / "report.json").read_text())["summary"]["errors"] == 1
    result = convlint("broken.py", "--output-file", "none/report.txt")
    assert result.returncode == 2
    assert "none/report.txt: cannot be written: No such file or directory" in result.stderr


def test_the_configuration_sets_the_format_and_the_failing_severity(convlint: Run, write: Write) -> None:
    write("pyproject.toml", '[tool.convlint]\noutput-format = "concise"\nfail-on = "error"\n')
    write("broken.py", "def f(:\n")
    result = convlint("broken.py")
    assert (result.returncode, result.stdout.splitlines()[0][:18]) == (1, "broken.py:1:7: CL0")


def test_excluded_files_are_not_looked_at(convlint: Run, write: Write) -> None:
    write("pyproject.toml", '[tool.convlint]\nexclude = ["old/"]\n')
    write("old/a.py", "x = 1\n")
    write("new/b.py", "x = 1\n")
    write("new/c.py", "x = 1\n")
    assert convlint().stdout == "No models in 2 files: nothing to check.\n"
    assert convlint("--exclude", "c.py").stdout == "No models in 1 file: nothing to check.\n"


def test_colour_only_where_it_is_wanted(convlint: Run, write: Write) -> None:
    write("broken.py", "def f(:\n")
    assert "\x1b[" not in convlint("broken.py").stdout
    assert "\x1b[" in convlint("broken.py", "--color", "always").stdout
    assert "\x1b[" not in convlint("broken.py", "--color", "never").stdout


@pytest.mark.parametrize(("no_color", "colored"), [("", True), ("1", False)])
def test_colour_on_a_terminal(folder: Path, write: Write, no_color: str, colored: bool) -> None:
    pty = pytest.importorskip("pty")
    write("broken.py", "def f(:\n")
    leader, follower = pty.openpty()
    environment = {**os.environ, "NO_COLOR": no_color, "TERM": "xterm"}
    subprocess.run(
        [sys.executable, "-m", "convlint", "broken.py"],
        cwd=folder,
        env=environment,
        stdout=follower,
        check=False,
    )
    os.close(follower)
    assert (b"\x1b[" in os.read(leader, 100_000)) is colored
    os.close(leader)


def test_a_reader_that_leaves_early_is_no_failure(folder: Path, write: Write) -> None:
    write("broken.py", "def f(:\n")
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(
        [sys.executable, "-m", "convlint", "broken.py"],
        cwd=folder,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (result.returncode, result.stderr) == (1, "")


def test_a_failure_of_convlint_itself_ends_with_2(folder: Path) -> None:
    code = "import sys; sys.modules['convlint.check'] = None; from convlint.cli import run; sys.exit(run(['.']))"
    result = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert f"convlint {__version__} itself failed" in result.stderr


def test_a_name_that_no_terminal_can_show(convlint: Run, folder: Path) -> None:
    with open(os.fsencode(folder) + b"/net\xff.py", "wb") as file:
        file.write(b"import torch\n")
    result = convlint("--output-format", "concise", PYTHONIOENCODING="ascii")
    assert result.returncode == 1
    assert "its name is not valid UTF-8" in result.stdout
