"""The command `convlint explain`: what can be asked for, and what is said where nothing can be explained."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[[str, str], Path]

NET = """
from torch import nn


class Net(nn.Module):
    def __init__(self, features=8):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
        self.head = nn.Linear(features, 2)

    def forward(self, x):
        return self.head(self.body(x))
"""


def test_help(explain: Run) -> None:
    result = explain("--help")
    assert result.returncode == 0
    assert "Show where each number comes from." in result.stdout


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ("none.py", "none.py: no such file or directory"),
        ("empty.py", "empty.py: there is no model to explain"),
        ("net.py:Nat", 'net.py: no model is called "Nat"; did you mean "Net"?'),
        ("net.py:Net.heat", 'net.py:Net: forward calls no layer or block "heat"; did you mean "head"?'),
        ("net.py:Net.", "write a layer as net.py:Net.conv1"),
        ("broken.py", "broken.py: "),
    ],
)
def test_what_cannot_be_explained_ends_with_2(explain: Run, write: Write, target: str, complaint: str) -> None:
    write("empty.py", "x = 1\n")
    write("net.py", NET)
    write("broken.py", NET + "\ndef f(:\n")
    result = explain(target)
    assert result.returncode == 2
    assert complaint in result.stderr
    assert "Traceback" not in result.stderr
    assert not result.stdout


def test_a_model_that_is_skipped_says_why(explain: Run, write: Write) -> None:
    write("net.py", NET.replace("super().__init__()", "super().__init__(); raise ValueError('no such size')"))
    result = explain("net.py")
    assert result.returncode == 2
    assert "skipped" in result.stdout
    assert "no such size" in result.stdout


def test_a_partial_trace_is_shown_as_far_as_it_goes(explain: Run, write: Write) -> None:
    write("net.py", NET.replace("return self.head", "self.n = int(x.sum())\n        return self.head"))
    result = explain("net.py", "--input", "B,4", "--output-format", "json")
    (model,) = json.loads(result.stdout)["models"]
    assert result.returncode == 0, result.stdout
    assert (model["status"], "value" in model["reason"]) == ("partial", True)
    assert model["rows"]


def test_a_block_shows_its_rows(explain: Run, write: Write) -> None:
    write("net.py", NET)
    result = explain("net.py:Net.body", "--output-format", "json")
    (model,) = json.loads(result.stdout)["models"]
    assert [row["layer"] for row in model["rows"]] == ["body.0", "body.1"]
    assert "layer" not in model
    assert "Whole model: 58 parameters." in explain("net.py:Net.body").stdout


def test_each_construction_is_shown(explain: Run, write: Write) -> None:
    write("net.py", NET.replace("features=8", "features"))
    write(
        "pyproject.toml",
        """
        [[tool.convlint.model]]
        name = "net.py:Net"
        args = [8]

        [[tool.convlint.model]]
        name = "net.py:Net"
        args = [6]
        """,
    )
    result = explain("net.py:Net", "--output-format", "json")
    first, second = json.loads(result.stdout)["models"]
    assert [row["problems"] for row in first["rows"]] == [[], [], []]
    assert second["rows"][2]["problems"] == ["in_features is 6, but gets 8"]
    assert second["outputs"] == [["B", 2]]


def test_colour_only_where_it_is_wanted(explain: Run, write: Write) -> None:
    write("net.py", NET)
    assert "\x1b[" not in explain("net.py").stdout
    assert "\x1b[" in explain("net.py", "--color", "always").stdout
