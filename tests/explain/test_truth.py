"""What is said of a net, held against real torch module by module: shapes, parameters and multiply-adds."""

from __future__ import annotations

import json
import math
import runpy
import shutil
import subprocess
import sys
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

EXAMPLES = Path(__file__).parents[2] / "examples"
ENTRIES = tomllib.loads((EXAMPLES / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["convlint"]["model"]
PREAMBLE = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n"


@dataclass(frozen=True)
class Measured:
    """One call of a leaf module in real torch."""

    path: str
    inputs: list[list[int]]
    outputs: list[list[int]]


def shapes(value: Any) -> list[list[int]]:
    """The shapes of the tensors in what a module takes or gives."""
    if isinstance(value, torch.Tensor):
        return [list(value.shape)]
    return [shape for item in value for shape in shapes(item)] if isinstance(value, (tuple, list)) else []


def is_leaf(module: nn.Module) -> bool:
    return isinstance(module, nn.MultiheadAttention) or next(module.children(), None) is None


def measure(model: nn.Module, *inputs: torch.Tensor) -> tuple[list[Measured], dict[str, int], int]:
    """The calls of leaf modules, the multiply-adds of each module, and those of the whole run."""
    calls: list[Measured] = []

    def note(path: str) -> Any:
        def hook(_: nn.Module, given: Any, result: Any) -> None:
            calls.append(Measured(path, shapes(given), shapes(result)))

        return hook

    for path, module in model.named_modules():
        if is_leaf(module) and path:
            module.register_forward_hook(note(path))
    # The counter knows attention in plain matrix products, not the one that is made for CPUs.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        model(*inputs)
    counts = counter.get_flop_counts()
    root = type(model).__name__
    flops = {name.removeprefix(f"{root}."): sum(ops.values()) for name, ops in counts.items()}
    return calls, {path: number // 2 for path, number in flops.items()}, counter.get_total_flops() // 2


def compare(value: dict[str, Any], model: nn.Module, *inputs: torch.Tensor) -> None:
    """Hold what was told of one model against a real run with a batch of 1."""
    assert value["status"] == "checked"
    calls, work, total = measure(model, *inputs)
    known = {"B": 1}
    rows = [row for row in value["rows"] if row["layer"] is not None]
    assert [row["layer"] for row in rows] == [call.path for call in calls]
    modules = dict(model.named_modules())
    seen: set[str] = set()
    told: dict[str, int] = {}
    for row, call in zip(rows, calls, strict=True):
        assert at(row["inputs"], known) == call.inputs, call.path
        assert at(row["outputs"], known) == call.outputs, call.path
        if call.path not in seen:
            assert row["parameters"] == sum(p.numel() for p in modules[call.path].parameters()), call.path
        seen.add(call.path)
        told[call.path] = told.get(call.path, 0) + row["multiply_adds"]
    assert told == {path: work.get(path, 0) for path in told}
    assert value["multiply_adds"] == total == sum(row["multiply_adds"] for row in value["rows"])
    assert value["parameters"] == sum(p.numel() for p in model.parameters())
    for row in value["rows"]:
        for formula in row["formulas"]:
            check_arithmetic(formula["text"])


def at(shapes: list[list[int | str]], known: dict[str, int]) -> list[list[int]]:
    return [[number(size, known) if isinstance(size, str) else size for size in shape] for shape in shapes]


def number(text: str, known: dict[str, int]) -> int:
    """Python's own arithmetic, which is what formulas are written in."""
    result = eval(text, {"ceil": math.ceil, "floor": math.floor}, known)  # noqa: S307
    assert result == int(result)
    return int(result)


def check_arithmetic(text: str) -> None:
    """Each side of a formula is the same number."""
    plain = text.partition(" (line")[0].partition(", and the")[0]
    values = [number(side, {}) for side in plain.split(" = ")]
    assert len(values) > 1
    assert len(set(values)) == 1, text


def explained(folder: Path, *targets: str) -> dict[str, dict[str, Any]]:
    """What the command says of the models below a folder, by their names."""
    command = [sys.executable, "-m", "convlint", "explain", *targets, "--output-format", "json"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    return {f"{model['filename']}:{model['name']}": model for model in json.loads(result.stdout)["models"]}


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("shipped")
    shutil.copytree(EXAMPLES, folder / "examples")
    found = explained(folder, "examples")
    return {name.partition(":")[0]: model for name, model in found.items()}


@pytest.mark.parametrize("name", sorted(path.name for path in (EXAMPLES / "correct").glob("*.py")))
def test_every_example_is_told_as_torch_runs_it(examples: dict[str, dict[str, Any]], name: str) -> None:
    (entry,) = (entry for entry in ENTRIES if entry["name"].startswith(f"*/{name}:"))
    model = runpy.run_path(str(EXAMPLES / "correct" / name))[entry["name"].rpartition(":")[2]]()
    (given,) = entry["inputs"]
    value = examples[f"examples/correct/{name}"]
    compare(value, model, torch.zeros([1 if size == "B" else size for size in given["shape"]]))


@pytest.mark.parametrize("name", sorted(path.name for path in (EXAMPLES / "broken").glob("*.py")))
def test_every_broken_example_says_what_is_wrong_and_goes_on(examples: dict[str, dict[str, Any]], name: str) -> None:
    value = examples[f"examples/broken/{name}"]
    assert [problem for row in value["rows"] for problem in row["problems"]]
    assert value["outputs"]


NETS = {
    "grouped": (
        """
        self.a = nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2, bias=False)
        self.b = nn.Conv2d(8, 8, 5, padding=4, dilation=2, groups=8)
        self.c = nn.ConvTranspose2d(8, 6, 4, stride=2, padding=1, output_padding=1, groups=2)
        self.d = nn.Conv2d(6, 5, 3, padding="same")
        """,
        "return self.d(self.c(self.b(self.a(x))))",
        "B,4,17,20",
    ),
    "pools": (
        """
        self.a = nn.MaxPool2d(3, 2, padding=1, ceil_mode=True)
        self.b = nn.AvgPool2d(2, ceil_mode=True)
        self.c = nn.AdaptiveAvgPool2d((3, None))
        self.d = nn.Upsample(scale_factor=2)
        self.e = nn.PixelShuffle(2)
        self.f = nn.ZeroPad2d((1, 2, 3, 0))
        """,
        "return self.f(self.e(self.d(self.c(self.b(self.a(x))))))",
        "B,4,33,30",
    ),
    "one_and_three_dims": (
        "self.a = nn.Conv1d(3, 6, 5, stride=2)\nself.b = nn.MaxPool1d(2)\nself.c = nn.Conv3d(1, 2, (1, 2, 3))",
        "x = self.b(self.a(x))\nreturn self.c(x.reshape(-1, 1, 2, 3, 11))",
        "B,3,49",
    ),
    "functions": (
        "self.w = nn.Parameter(torch.zeros(6, 3, 3, 3))\nself.v = nn.Parameter(torch.zeros(10, 6 * 7 * 7))",
        """
        x = F.max_pool2d(F.relu(F.conv2d(x, self.w, None, 2, padding=1)), 2)
        x = F.avg_pool2d(F.interpolate(x, scale_factor=2), 2)
        return F.linear(torch.flatten(x, 1), self.v)
        """,
        "B,3,28,28",
    ),
    "products": (
        "self.a = nn.Linear(8, 12, bias=False)\nself.b = nn.Linear(8, 12)",
        """
        q, k = self.a(x), self.b(x)
        scores = q @ k.transpose(1, 2)
        y = torch.bmm(torch.softmax(scores, -1), k)
        z = torch.einsum("bij,bkj->bik", y, k)
        h = F.scaled_dot_product_attention(q[:, None], k[:, None], k[:, None])
        return torch.cat([y, h[:, 0]], dim=-1), z
        """,
        "B,5,8",
    ),
    "attention": (
        "self.a = nn.MultiheadAttention(16, 4, batch_first=True)\nself.n = nn.LayerNorm(16)",
        "y, _ = self.a(x, x, x)\nreturn self.n(x + y)",
        "B,7,16",
    ),
    "shared": (
        """
        self.a, self.b = nn.Linear(6, 6), nn.Linear(6, 6)
        self.b.weight = self.a.weight
        self.extra = nn.Linear(3, 2)
        """,
        "return self.b(self.a(self.a(x)))",
        "B,6",
    ),
    "normed": (
        """
        self.a = nn.Sequential(nn.Conv2d(2, 4, 1), nn.BatchNorm2d(4), nn.PReLU(4), nn.GroupNorm(2, 4))
        self.b = nn.Embedding(9, 3)
        """,
        "return self.a(x), self.b(x[:, 0].long())",
        "B,2,5,5",
    ),
}


RECURRENT = {
    "lstm": "nn.LSTM(6, 5, 2, bidirectional=True, batch_first=True)",
    "gru": "nn.GRU(6, 5, batch_first=True)",
    "projected": "nn.LSTM(6, 5, proj_size=3, batch_first=True)",
    "rnn": "nn.RNN(6, 5, batch_first=True)",
}
ALL = {**NETS, **{name: (f"self.a = {layer}", "return self.a(x)[0]", "B,7,6") for name, layer in RECURRENT.items()}}


def body(text: str) -> str:
    return textwrap.indent(textwrap.dedent(text).strip("\n"), " " * 8)


def source(name: str) -> str:
    init, forward, _ = ALL[name]
    return (
        f"class {name.title()}(nn.Module):\n    def __init__(self):\n        super().__init__()\n{body(init)}\n\n"
        f"    def forward(self, x):\n{body(forward)}\n"
    )


def sizes(name: str) -> list[str | int]:
    return [size if size == "B" else int(size) for size in ALL[name][2].split(",")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All the nets in one file, and the shapes of their inputs."""
    folder = tmp_path_factory.mktemp("nets")
    (folder / "nets.py").write_text(PREAMBLE + "\n\n".join(map(source, ALL)), encoding="utf-8")
    table = '[[tool.convlint.model]]\nname = "nets.py:{}"\ninputs = [{{ shape = {} }}]\n'
    entries = [table.format(name.title(), json.dumps(sizes(name))) for name in ALL]
    (folder / "pyproject.toml").write_text("\n".join(entries), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def nets(folder: Path) -> dict[str, dict[str, Any]]:
    return explained(folder, "nets.py")


def build(folder: Path, name: str) -> tuple[nn.Module, torch.Tensor]:
    model = runpy.run_path(str(folder / "nets.py"))[name.title()]()
    return model, torch.zeros([1 if size == "B" else int(size) for size in sizes(name)])


@pytest.mark.parametrize("name", NETS)
def test_many_kinds_of_layers_are_told_as_torch_runs_them(
    nets: dict[str, dict[str, Any]], folder: Path, name: str
) -> None:
    compare(nets[f"nets.py:nets.{name.title()}"], *build(folder, name))


@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_layers(nets: dict[str, dict[str, Any]], folder: Path, name: str) -> None:
    (row,) = (row for row in nets[f"nets.py:nets.{name.title()}"]["rows"] if row["layer"] == "a")
    model, given = build(folder, name)
    assert at(row["outputs"], {"B": 1})[0] == list(model(given).shape)
    # Each matrix of weights is used once a step.
    assert row["multiply_adds"] == 7 * sum(p.numel() for p in model.parameters() if p.dim() == 2)
    assert row["parameters"] == sum(p.numel() for p in model.parameters())
    for formula in row["formulas"]:
        check_arithmetic(formula["text"])
