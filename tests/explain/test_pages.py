"""What readers see. `pytest --snapshot-update` rewrites the pictures."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from convlint.check import Options, gather
from convlint.config import parse_input
from convlint.explain import FORMATS, parse_target, render, tables_of
from convlint.reporters import source

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[[str, str], Path]

STRIDES = """
import torch.nn as nn


class StrideNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, 2, stride=2)
        self.conv2 = nn.Conv2d(2, 4, 2, stride=2)

    def forward(self, x):
        return self.conv2(self.conv1(x))
"""

LENET = """
import torch
import torch.nn as nn
import torch.nn.functional as F


class LeNet(nn.Module):
    def __init__(self, features=400):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(features, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(-1, 16 * 5 * 5) * self.scale
        return self.fc(x)
"""

SEQUENCES = """
import torch
import torch.nn as nn


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(5000, 100)
        self.lstm = nn.LSTM(100, 64, bidirectional=True, batch_first=True)
        self.attend = nn.MultiheadAttention(128, 8, batch_first=True)

    def forward(self, tokens):
        x, _ = self.lstm(self.words(tokens))
        y, _ = self.attend(x, x, x)
        return torch.cat([x, y], dim=-1)
"""

PAGES = [
    ("strides", STRIDES, "net.py:StrideNet", ["B,1,8,8"]),
    ("one_layer", STRIDES, "net.py:StrideNet.conv2", ["B,1,8,8"]),
    ("unknown_sizes", LENET, "net.py", ["B,1,H,W"]),
    (
        "lost_pixels_and_a_wrong_layer",
        LENET.replace("2)\n        self.fc", "3)\n        self.fc"),
        "net.py:LeNet",
        ["B,1,28,28"],
    ),
    ("shared_layer", LENET, "net.py:LeNet.pool", ["B,1,28,28"]),
    ("sequences", SEQUENCES, "net.py", ["B,L:int64"]),
]


def pages(target: str, *shapes: str, width: int = 110) -> dict[str, str]:
    """The explanation of a target in the working directory, in each format."""
    source.forget()
    wanted = parse_target(target)
    inputs = tuple(parse_input(shape) for shape in shapes)
    tables = tables_of(gather([wanted.path], Options(inputs=inputs)).facts, wanted.part)

    def page(output_format: str) -> str:
        stream = io.StringIO()
        render(tables, wanted.part, output_format, width=width, color=False, stream=stream)
        return stream.getvalue()

    return {output_format: page(output_format) for output_format in FORMATS}


@pytest.mark.parametrize(("code", "target", "shapes"), [page[1:] for page in PAGES], ids=[page[0] for page in PAGES])
def test_pages(
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    snapshot: SnapshotAssertion,
    code: str,
    target: str,
    shapes: list[str],
) -> None:
    monkeypatch.chdir(write("net.py", code).parent)
    said = pages(target, *shapes)
    for output_format, page in said.items():
        assert page == snapshot(name=output_format)
    assert json.loads(said["json"])["version"] == 1
    lines = said["text"].splitlines()
    assert max(map(len, lines)) <= 110
    assert not [line for line in lines if line != line.rstrip()]


def test_a_convolution_is_explained_in_words(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write("net.py", STRIDES).parent)
    said = " ".join(pages("net.py", "B,1,8,8")["text"].split())
    assert (
        "each of the 4 output channels sums over 2 input channels, each with its own 2x2 kernel: "
        "weight [4, 2, 2, 2], 32 weights" in said
    )
    assert "height and width: (4 + 2*0 - 2)//2 + 1 = 2" in said
    assert "parameters: 4*2*2*2 + 4 = 36" in said


def test_names_cannot_steer_a_terminal_or_markdown(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    code = STRIDES.replace("return self", "y = 0  # `|\x1b[31m\n        return self").replace("(x))", "(x))  # \x1b[0m")
    monkeypatch.chdir(write("net.py", code).parent)
    for page in pages("net.py", "B,1,8,8").values():
        assert "\x1b" not in page


def test_the_terminal_decides_how_wide_lines_are(explain: Run, write: Write) -> None:
    write("net.py", LENET)
    lines = explain("net.py", "--input", "B,1,28,28", COLUMNS="60").stdout.splitlines()
    assert max(map(len, lines)) <= 60
