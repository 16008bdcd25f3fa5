"""What the mutants of a text are: which pieces change into what, and that every row stays where it is."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from random import Random
from textwrap import dedent, indent

import pytest

from benchmarks.oracle.mutants import Mutant, mutants, sample

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").rglob("*.py"))
NET = """\
import torch
from torch import nn
import torch.nn.functional as F

WIDTH = nn.Linear(5, 6)


def head(width):
    return nn.Linear(width, 7)


class Other(nn.Module):
    def __init__(self):
        self.fc = nn.Linear(3, 4)


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.größe = "ü"; self.conv = nn.Conv2d(3, 8, (3, 3), padding=1, groups=1)  # «ä» 幅
        self.body = nn.Sequential(
            nn.BatchNorm2d(8),  # ß
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.fc = nn.Linear(8 * 5, width)

    def forward(self, x):
        x = F.relu(self.conv(x))
        x = self.body(x)
        y = x.view(-1, 8 * 5)
        return torch.cat([y, self.fc(y)], dim=1)


if __name__ == "__main__":
    Net(nn.Linear(1, 9))
"""


def edits(source: str, kind: str | None = None) -> list[str]:
    return [f"{found.before} -> {found.after}" for found in mutants(source) if kind in (None, found.kind)]


def forward(body: str) -> str:
    return "def forward(self, x, y):\n" + indent(dedent(body).strip("\n"), "    ")


def changed_rows(source: str, mutant: Mutant) -> list[int]:
    before, after = (re.split(r"\r\n|\r|\n", text) for text in (source, mutant.source))
    assert len(before) == len(after)
    return [row for row, (old, new) in enumerate(zip(before, after, strict=True), 1) if old != new]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("nn.Linear(10)", ["10 -> 20", "10 -> 11", "10 -> 26"]),
        ("nn.Linear(in_features=width)", ["width -> width * 2", "width -> width + 1", "width -> width + 16"]),
        ("Linear(2 * w)", ["2 * w -> (2 * w) * 2", "2 * w -> (2 * w) + 1", "2 * w -> (2 * w) + 16"]),
        ("nn.LayerNorm([s.a, 7])", ["s.a -> s.a * 2", "s.a -> s.a + 1", "s.a -> s.a + 16", *("7 -> 14", "7 -> 8")]),
        ("nn.Linear('a', *b, **c)", []),
        ("f'{nn.Linear(2, 3)}'", []),
        ("other.Thing(10, 20)", []),
    ],
)
def test_sizes_grow(call: str, expected: list[str]) -> None:
    assert edits(call)[: len(expected)] == expected
    assert bool(expected) == bool(edits(call))


@pytest.mark.parametrize(
    "call",
    [
        *("nn.Embedding(3, 5)", "nn.LSTM(3, 5, 7)", "nn.GRUCell(3, 5)", "nn.MultiheadAttention(3, 5)"),
        *("nn.TransformerEncoderLayer(3, 5)", "nn.GroupNorm(3, 5)", "nn.Bilinear(3, 5, 5)", "nn.Conv1d(3, 5, k)"),
        *("nn.ConvTranspose3d(3, 5, k)", "nn.RNN(hidden_size=3, input_size=5)", "Linear(bias=b, *(), out_features=3)"),
    ],
)
def test_known_layers_have_sizes(call: str) -> None:
    assert "3 -> 6" in edits(call, "times 2")
    assert ("5 -> 10" in edits(call, "times 2")) == ("5" in call)


@pytest.mark.parametrize(
    ("kind", "call", "expected"),
    [
        ("swapped arguments", "nn.Linear(a, b)", ["a, b -> b, a"]),
        ("swapped arguments", "nn.Linear(out_features=3, in_features=2)", ["3, in_features=2 -> 2, in_features=3"]),
        ("swapped arguments", "nn.Bilinear(1, 2, 3)", ["1, 2 -> 2, 1"]),
        ("swapped arguments", "nn.Linear(a, a)", []),
        ("window", "nn.Conv2d(c, d, 3, 1, 2)", ["3 -> 5", "1 -> 2", "2 -> 3"]),
        ("window", "nn.Conv2d(c, d, kernel_size=(3, 5), padding='same')", ["(3, 5) -> (5, 7)"]),
        ("window", "nn.MaxPool2d(2, padding=(0, k))", ["2 -> 4"]),
        ("window", "F.avg_pool2d(x, 2, stride=[1, 2])", ["2 -> 4", "[1, 2] -> [2, 3]"]),
        ("window", "F.conv2d(x, w, None, 1, 0)", ["1 -> 2", "0 -> 1"]),
        ("groups", "nn.Conv2d(c, d, 3, groups=2)", ["2 -> 4"]),
        ("groups", "nn.Conv2d(c, d, kernel_size=3)", ["3 -> 3, groups=3"]),
        ("groups", "nn.Conv2d(c, d, 3, 1, 1, 1, 2)", ["2 -> 4"]),
        ("groups", "nn.Conv2d(c, d, 3, **more)", []),
        ("groups", "nn.Conv2d(c, d, 3, groups=c)", []),
        ("view", "x.view(-1, 16 * 5, n, 4)", ["16 * 5 -> (16 * 5) + 1", "16 * 5 -> (16 * 5) * 2", "4 -> 5", "4 -> 8"]),
        ("view", "x.reshape((-1, 4))", ["4 -> 5", "4 -> 8"]),
        ("view", "torch.reshape(x, (4, -1))", ["4 -> 5", "4 -> 8"]),
        ("view", "nn.Unflatten(1, (4, n))", ["4 -> 5", "4 -> 8"]),
        ("view", "torch.flatten(x, 1)", ["1 -> 2"]),
        ("view", "torch.flatten(x, start_dim=1)", ["1 -> 2"]),
        ("view", "x.flatten(1)", ["1 -> 2"]),
        ("view", "nn.Flatten(1)", ["1 -> 2"]),
        ("view", "nn.Flatten()", ["nn.Flatten() -> nn.Flatten(2)"]),
        ("view", "nn.Flatten(2)", []),
        ("dim", "torch.cat([x, y], 1)", ["1 -> 2", "1 -> 0"]),
        ("dim", "torch.stack([x, y], dim=0)", ["0 -> 1"]),
        ("dim", "torch.cat([x, y], dim=-2)", ["-2 -> -1", "-2 -> 0"]),
        ("dim", "torch.chunk(x, 2, 1)", ["1 -> 2", "1 -> 0"]),
        ("dim", "x.chunk(2, 1)", ["1 -> 2", "1 -> 0"]),
        ("dim", "F.softmax(x, dim=1)", []),
    ],
)
def test_arguments_change(kind: str, call: str, expected: list[str]) -> None:
    assert edits(call, kind) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("x = torch.flatten(x, 1)", ["x = torch.flatten(x, 1) -> pass"]),
        ("if y:\n    x = x.view(1)", ["x = x.view(1) -> pass"]),
        ("x = self.pool(y)", []),
        ("x, y = self.pool(x)", []),
        ("return self.fc(F.relu(x))", ["F.relu(x) -> x"]),
        ("return self.fc(F.max_pool2d(self.a(x), 2))", ["F.max_pool2d(self.a(x), 2) -> self.a(x)", "self.a(x) -> x"]),
        ("return f(self.join(x, y), self.get(), self.all(*x), other(x), self.a(x).to(y))", []),
    ],
)
def test_calls_are_dropped(body: str, expected: list[str]) -> None:
    assert edits(forward(body), "dropped call") == expected
    assert not edits(forward(body).replace("forward", "helper"), "dropped call")


def test_dropped_calls_leave_their_rows() -> None:
    source = forward("""
        x = self.pool(
            x
        )  # comment
        return self.fc(
            F.max_pool2d(
                x,  # what is pooled
                2,
            )
        )
    """)
    assert [found.source.splitlines()[1:] for found in mutants(source) if found.kind == "dropped call"] == [
        ["    pass", "", "  # comment", *source.splitlines()[4:]],
        [*source.splitlines()[1:5], "        ", "x", "", "", "    )"],
    ]


@pytest.mark.parametrize(
    ("kind", "call", "expected"),
    [
        ("dropped layer", "nn.Sequential(a(), b, c)", ["(b, c)", "(a(), c)", "(a(), b, )"]),
        ("dropped layer", "nn.Sequential(a, *b)", ["(*b)"]),
        (
            "dropped layer",
            "nn.Sequential(\n    a,  # A\n    b  # B\n)",
            ["(\n    # A\n    b  # B\n)", "(\n    a,  # A\n      # B\n)"],
        ),
        ("dropped layer", "nn.Sequential(\n    a(\n        b),\n    c,)", ["(\n    \n\n    c,)"]),
        ("dropped layer", "nn.Sequential((a), (b), c)", ["((a), (b), )"]),
        ("dropped layer", "nn.Sequential(a)", []),
        ("swapped layers", "nn.Sequential(a(), b, c)", ["(b, a(), c)", "(a(), c, b)"]),
        ("swapped layers", "nn.Sequential(a, a, *b)", []),
        ("swapped layers", "nn.Sequential(a(\n), b)", []),
    ],
)
def test_layers_change(kind: str, call: str, expected: list[str]) -> None:
    found = [mutant.source.removeprefix("nn.Sequential") for mutant in mutants(call) if mutant.kind == kind]
    assert found[: len(expected)] == expected
    assert bool(expected) == bool(found)


def test_neighbouring_statements_are_swapped() -> None:
    source = forward("""
        x = self.a(x)

        x += 1  # one more
        if x:
            y = 1
            z = f(
                2)
        return x
    """)
    found = [mutant for mutant in mutants(source) if mutant.kind == "swapped statements"]
    assert [mutant.source.splitlines()[1:5] for mutant in found] == [
        ["    x += 1", "", "    x = self.a(x)  # one more", "    if x:"],
    ]
    assert [(mutant.row, mutant.name) for mutant in found] == [(2, "self.a")]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("nn.Linear(2)", "nn.Linear"),
        ("torch.nn.Linear(2)", "torch.nn.Linear"),
        ("x.view(2)", "x.view"),
        ("self.conv(x).view(2)", ".view"),
        ("torch.cat(x, 1)", "torch.cat"),
        ("nn.Sequential(nn.ReLU(), *x)", "nn.ReLU"),
        (forward("x = self.layers[0](x)"), "self.layers[0]"),
    ],
)
def test_names(source: str, name: str) -> None:
    assert {mutant.name for mutant in mutants(source)} == {name}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_one_spot_changes_and_rows_stay(end: str) -> None:
    source = NET.replace("\n", end)
    for mutant in mutants(source):
        rows = changed_rows(source, mutant)
        assert rows[0] == mutant.row
        assert len(rows) == 1 or (len(rows) == 2 and mutant.kind in ("swapped layers", "swapped statements"))
    assert [mutant.row for mutant in mutants(source)] == [mutant.row for mutant in mutants(NET)]


def test_columns_count_characters() -> None:
    row = '        self.größe = "ü"; self.conv = nn.Conv2d({}, padding=1, groups=1)  # «ä» 幅'
    found = [mutant.source.splitlines()[19] for mutant in mutants(NET) if mutant.row == 20]
    assert row.format("6, 8, (3, 3)") in found
    assert row.format("8, 3, (3, 3)") in found
    assert row.format("3, 8, (5, 5)") in found


@pytest.mark.parametrize(
    ("classes", "rows"),
    [
        (None, [5, 9, 14, 20, 26, 36]),
        (["Net"], [5, 9, 20, 26]),
        (["Other"], [5, 9, 14]),
        ([], [5, 9]),
    ],
)
def test_only_some_classes_change(classes: Collection[str] | None, rows: list[int]) -> None:
    assert sorted({found.row for found in mutants(NET, classes) if found.kind == "swapped arguments"}) == rows


@pytest.mark.parametrize("path", [pytest.param(path, id=f"{path.parent.name}/{path.name}") for path in EXAMPLES])
def test_mutants_of_the_examples_are_python(path: Path) -> None:
    source = path.read_text()
    found = list(mutants(source))
    texts = {mutant.source for mutant in found}
    assert len(texts) == len(found) > 15
    assert source not in texts
    assert [mutant.row for mutant in found] == sorted(mutant.row for mutant in found)
    for mutant in found:
        ast.parse(mutant.source)
        assert mutant.row in changed_rows(source, mutant)


def test_what_is_no_python_has_no_mutants() -> None:
    assert not list(mutants("nn.Linear(2, 3"))
    assert not sample("nn.Linear(2, 3", 5, Random(0))


def test_a_sample_spreads_over_kinds() -> None:
    everything = list(mutants(NET))
    kinds = {mutant.kind for mutant in everything}
    found = sample(NET, len(kinds) + 3, Random(1))
    assert len(found) == len(kinds) + 3
    assert {mutant.kind for mutant in found} == kinds
    assert max(Counter(mutant.kind for mutant in found).values()) == 2
    assert set(found) <= set(everything)
    assert found == sample(NET, len(found), Random(1)) != sample(NET, len(found), Random(2))
    assert Counter(sample(NET, 10_000, Random(0))) == Counter(everything)
    assert len(sample(NET, 2, Random(0))) == 2
