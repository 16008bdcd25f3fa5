"""The numbers of a real run: what readers see, and what is said where there is nothing to see."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from convlint.check import Gathered, Options, gather
from convlint.config.error import ConfigError
from convlint.explain import FORMATS, Values, agrees, render, tables_of
from convlint.explain.matrices import pictures
from convlint.facts import RunInput, Share
from convlint.inputspec import InputSpec
from convlint.jobs import Verify
from convlint.pool.pool import WorkerPool
from convlint.reporters import source
from convlint.verification.given import read_numbers, with_numbers
from convlint.verification.values import Question, values_of
from convlint.verification.verify import trial_pool

Run = Callable[..., "subprocess.CompletedProcess[str]"]
EXAMPLES = Path(__file__).parents[2] / "examples"

# Whole numbers, so that every machine gives the same ones.
NET = """
import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 40, 3, padding=1)
        self.norm = nn.BatchNorm2d(40)
        self.deep = nn.Conv2d(40, 4, 3, stride=2, padding=1, groups=2)
        self.large = nn.Conv2d(40, 1, 7)
        self.volume = nn.Conv1d(4, 2, 2, padding=1, padding_mode="circular")
        self.shrink = nn.MaxPool2d(3, 2, 1, return_indices=True)
        self.mean = nn.AvgPool2d(3, 2, 1)
        self.grow = nn.ConvTranspose2d(4, 4, 3, stride=2)
        self.words = nn.Embedding(2, 4)
        self.fc = nn.Linear(196, 4)
        self.same = nn.Linear(4, 4)
        self.act = nn.ReLU()
        self.drop = nn.Linear(4, 4)
        self.lost = nn.Conv2d(4, 1, 3, padding=1, padding_mode="reflect")
        self.lost.padding = (0, 0)
        for number, parameter in enumerate(self.parameters()):
            numbers = torch.arange(parameter.numel()) * 7 % 5 - 2 + number % 2
            parameter.data = numbers.reshape(parameter.shape).float()

    def forward(self, x):
        x = self.stem(x)
        self.norm(x), self.large(x)
        x, _ = self.shrink(self.deep(x))
        self.lost(x), self.mean(x), self.volume(x.flatten(2))
        x = self.act(self.fc(self.grow(x).flatten(1)))
        x = self.same(self.same(x)) + self.words(torch.ones(2, dtype=torch.int64)).sum()
        return self.drop(x) if self.training else x


class Late(nn.Module):
    def __init__(self):
        super().__init__()
        self.late = nn.Linear(4, 4)

    def forward(self, x):
        if x.shape[0] == 1:
            raise ValueError("one is none")
        return self.late(x)
"""
IMAGE = [[[(2 * i + 3 * j + c) % 4 for i in range(10)] for j in range(10)] for c in range(3)]


@dataclass(frozen=True)
class Desk:
    """Models in the working directory, traced, and where they are run."""

    gathered: Gathered
    pool: WorkerPool

    def ask(self, layer: str, **question: Any) -> tuple[Any, Values | str]:
        """The table and the values of a layer."""
        asked = Question(
            verify=Verify(device="cpu"), layer=layer, at=None, call=1, source="image.json", timeout=120, memory=16384
        )
        tables = tables_of(self.gathered.facts, layer)
        return tables, values_of(self.gathered, tables, replace(asked, **question), self.pool)[0]

    def page(self, layer: str, output_format: str = "text", **question: Any) -> str:
        tables, values = self.ask(layer, **question)
        assert isinstance(values, Values), values
        stream = io.StringIO()
        render(tables, layer, output_format, values=[values], width=110, color=False, stream=stream)
        return stream.getvalue()


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with trial_pool() as pool:
        pool.start()
        yield pool


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, pool: WorkerPool) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("values")
    (folder / "net.py").write_text(NET, encoding="utf-8")
    (folder / "image.json").write_text(json.dumps(IMAGE), encoding="utf-8")
    (folder / "pyproject.toml").write_text(
        '[[tool.convlint.model]]\nname = "net.py:Net"\ninputs = [{ shape = ["B", 3, 10, 10] }]\n', encoding="utf-8"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        source.forget()  # other tests have other files of these names
        yield Desk(gather(["net.py"], Options(), verify=Verify(device="cpu")), pool)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_the_seed_example_gives_minus_8(explain: Run, tmp_path: Path, snapshot: SnapshotAssertion, device: str) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    given = ("--input-values", "examples/correct/kernels.json", "--device", device)
    result = explain("examples/correct/kernels.py:KernelNet.conv2", *given)
    assert result.returncode == 0, result.stderr
    assert result.stdout.replace("cuda:0", "cpu") == snapshot
    _, _, shown = result.stdout.partition("input channel 0")
    assert [line.split() for line in shown.splitlines()[:6]] == [
        ["1", "1", "-1", "-1", "-1", "-1"],
        ["3", "1", "*", "-1", "-1", "=", "-3", "-1", "sum", "-6"],
        ["input", "channel", "1", "0", "2", "0", "-1", "0", "-2"],
        ["1", "0", "*", "0", "-1", "=", "0", "0", "sum", "-2"],
        ["-6", "-", "2", "+", "0", "(bias)", "=", "-8"],
        ["torch", "gives", "-8"],
    ]


@pytest.mark.parametrize(
    ("layer", "at"),
    [
        ("stem", (1, 9, 0)),
        ("norm", None),
        ("deep", (3, 1, 1)),
        ("large", None),
        ("volume", None),
        ("shrink", None),
        ("mean", None),
        ("grow", (0, 2, 1)),
        ("words", (2,)),
        ("fc", (3,)),
    ],
)
def test_pages(desk: Desk, snapshot: SnapshotAssertion, layer: str, at: tuple[int, ...] | None) -> None:
    page = desk.page(layer, at=at)
    assert page[page.index("  one number") : page.index("\n  line", page.index("  one number"))] == snapshot
    assert max(map(len, page.splitlines())) <= 110


def test_each_format_tells_the_same(desk: Desk, snapshot: SnapshotAssertion) -> None:
    pages = {output_format: desk.page("shrink", output_format, at=(1, 0, 1)) for output_format in FORMATS[1:]}
    assert pages["markdown"] == snapshot(name="markdown")
    (model,) = json.loads(pages["json"])["models"]
    values = model["layer"]["values"]
    assert values == snapshot(name="json")
    assert values["agrees"]
    assert f"largest {values['total']:.6g}" in pages["markdown"]


def test_the_second_call_goes_on_from_the_first(desk: Desk) -> None:
    first, second = (desk.ask("same", call=call)[1] for call in (1, 2))
    assert isinstance(first, Values)
    assert isinstance(second, Values)
    assert second.breakdown.shares[0].numbers[0] == first.breakdown.given
    assert "call 2" in desk.page("same", call=2)


@pytest.mark.parametrize(
    ("layer", "question", "reason"),
    [
        ("stem", {"at": (40, 0, 0)}, "--at 40,0,0 lies outside of the output of stem, which is 40x10x10 behind"),
        ("stem", {"at": (0, 0)}, "--at 0,0 has 2 numbers, but the output of stem has 3 sizes behind the batch"),
        ("same", {"call": 3}, "forward calls same only 2 times in eval mode"),
        ("act", {}, "act (ReLU) is of a kind whose values are not shown"),
        ("drop", {}, "forward does not call drop in eval mode"),
        ("late", {"source": None}, "forward raises before late is done: ValueError: one is none (line 45)"),
        ("stem", {"verify": Verify(device="xpu")}, "this machine has no xpu device"),
    ],
)
def test_what_cannot_be_shown_says_why(desk: Desk, layer: str, question: dict[str, Any], reason: str) -> None:
    said = desk.ask(layer, **question)[1]
    assert isinstance(said, str)
    assert said.startswith("net.py:")
    assert reason in said


def test_a_layer_that_does_something_else_is_told(desk: Desk) -> None:
    values = desk.ask("lost")[1]
    assert isinstance(values, Values)
    assert not agrees(values.breakdown)
    assert "the layer does something else as well" in desk.page("lost")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("net.py:Net.lost",), ""),  # torch gives something else
        (("net.py:Net.act",), "net.py:Net: act (ReLU) is of a kind whose values are not shown"),
        (("net.py:Net",), "values are those of one layer; name it, as in net.py:Net.conv1"),
        (("net.py:Net.lost", "--at", "a"), '"a" is not an index; write integers separated by commas, as 0,2,1'),
    ],
)
def test_what_is_not_as_it_should_be_ends_with_2(
    explain: Run, tmp_path: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    (tmp_path / "image.json").write_text(json.dumps(IMAGE), encoding="utf-8")
    result = explain(*arguments, "--values", "--input-values", "image.json")
    assert result.returncode == 2
    assert complaint in result.stderr
    assert bool(result.stdout) is not bool(complaint)
    assert "Traceback" not in result.stderr


FEED = (RunInput(name="x", spec=InputSpec(shape=("B", 1, "W"))), RunInput(name="y", spec=InputSpec(value=3)))


def test_numbers_fill_an_input_and_tell_its_sizes() -> None:
    for given in ([[[1, 2.5]], [[3, 4]]], {"x": [[[1, 2.5]], [[3, 4]]]}):
        (x, y), sizes = with_numbers(FEED, given, "x.json")
        assert (x.numbers, sizes, y) == ((1, 2.5, 3, 4), {"B": 2, "W": 2}, FEED[1])
    assert with_numbers(FEED, [[7]], "x.json")[1] == {"B": 1, "W": 1}


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ([[[1], [2]]], "x.json: x is [1, 2, 1] there, but forward takes [B, 1, W]"),
        ([1], "x.json: x is [1] there, but forward takes [B, 1, W]"),
        ([[[1, 2], [3]]], "x.json: x has lists of different lengths next to each other"),
        ([[["a"]]], 'x.json: x holds "a", where a number or a list of numbers belongs'),
        ([[[float("nan")]]], "x.json: x holds NaN, where a number or a list of numbers belongs"),
        ([[[10**400]]], "where a number or a list of numbers belongs"),
        ({"z": [1]}, 'x.json: forward takes no input "z"'),
        ({"y": [1]}, "x.json: the input y is not a tensor"),
    ],
)
def test_numbers_that_do_not_fit_are_told(given: Any, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        with_numbers(FEED, given, "x.json")
    assert complaint in str(caught.value)


def test_a_file_that_holds_no_json_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[1,", encoding="utf-8")
    with pytest.raises(ConfigError, match="not valid JSON"):
        read_numbers(str(tmp_path / "x.json"))
    with pytest.raises(ConfigError, match="No such file"):
        read_numbers(str(tmp_path / "y.json"))


@pytest.mark.parametrize("width", [40, 80, 110])
def test_matrices_keep_to_the_width(width: int) -> None:
    shares = [
        Share(
            title=f"input channel {channel}",
            sizes=(3, 9),
            shown=(3, 3),
            numbers=tuple(-0.0123456 * i for i in range(9)),
            weights=tuple(range(9)),
            total=1.0,
        )
        for channel in (0, 10)
    ]
    assert max(map(len, pictures(shares, word="sum", width=width))) <= width
