"""Notebooks from the command line to the report."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[[str, str], Path]

IMPORTS = "%matplotlib inline\n!pip install torch\nimport torch\nfrom torch import nn\n"
NET = """%%time
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3)
        self.fc = nn.Linear(100, 10)

    def forward(self, x):
        return self.fc(self.conv(x).mean((2, 3)))
"""


def notebook(*cells: str, language: str = "python") -> str:
    listed = [{"cell_type": "markdown", "metadata": {}, "source": ["# Title"]}]
    listed += [{"cell_type": "code", "metadata": {}, "source": text.splitlines(keepends=True)} for text in cells]
    return json.dumps({"cells": listed, "metadata": {"kernelspec": {"language": language}}, "nbformat": 4}, indent=1)


@pytest.mark.parametrize("path", [".", "01 - Net.ipynb", "01 - Net.ipynb:Net", "*.ipynb"])
def test_a_finding_names_the_cell(convlint: Run, write: Write, path: str) -> None:
    write("01 - Net.ipynb", notebook(IMPORTS, NET, "net = Net()"))
    result = convlint(path, "--output-format", "concise")
    assert (result.returncode, result.stderr) == (1, "")
    assert result.stdout.splitlines()[0] == ("01 - Net.ipynb:cell 3:6:29: CL101 `fc` takes 100 features but gets 8")


def test_what_time_runs_is_seen_at_its_own_columns(convlint: Run, write: Write) -> None:
    write("nb.ipynb", notebook(IMPORTS, "%time net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(9, 4, 3))"))
    result = convlint("--output-format", "concise")
    assert result.stdout.startswith("nb.ipynb:cell 3:1:57: CL102 ")


def test_a_broken_cell_does_not_hide_the_others(convlint: Run, write: Write) -> None:
    write("nb.ipynb", notebook(IMPORTS, "def f(:", "await nothing()", NET))
    result = convlint("--output-format", "json")
    document = json.loads(result.stdout)
    assert [(one["code"], one["cell"], one["location"]["row"]) for one in document["diagnostics"]] == [
        ("CL002", 3, 1),
        ("CL101", 5, 6),
    ]
    (model,) = document["models"]
    assert (model["status"], model["cell"], model["row"]) == ("checked", 5, 2)
    assert document["summary"]["models"] == 1


def test_a_notebook_that_cannot_be_read(convlint: Run, write: Write) -> None:
    write("nb.ipynb", '{"cells": [\n"torch"')
    result = convlint("--output-format", "concise")
    assert result.returncode == 1
    assert result.stdout.startswith("nb.ipynb:2:1: CL001 ")


@pytest.mark.parametrize("path", [".", "nb.ipynb"])
def test_a_notebook_in_another_language_is_passed_over(convlint: Run, write: Write, path: str) -> None:
    write("nb.ipynb", notebook("library(torch)\nnet <- nn_linear(3, 4)", language="R"))
    result = convlint(path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "No models in 1 file: nothing to check.\n", "")


def test_a_crash_names_the_cell(convlint: Run, write: Write) -> None:
    write("nb.ipynb", notebook(IMPORTS, NET.replace("super().__init__()", "import os; os.abort()")))
    result = convlint("--output-format", "concise")
    assert result.stdout.splitlines()[0].startswith("nb.ipynb:cell 3:4:9: CL005")
