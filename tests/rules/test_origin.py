"""Which layers a finding names as those that give the size which does not fit, on nets that are really traced."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

import pytest

from convlint.diagnostics import Diagnostic
from convlint.facts import FileFacts, Layer, ModelFacts, Node, Span, TensorFact, Violation
from convlint.inputspec import InputSpec
from convlint.jobs import Job, ModelJob
from convlint.pool.pool import run_jobs
from convlint.rules.apply import diagnose
from convlint.rules.load import load_rules

PREAMBLE = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n"
BLOCK = """\
class Block(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, padding=1)
        self.norm = nn.BatchNorm2d(after)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)))


"""
IMAGE = ("B", 3, 32, 32)
WORDS = ("B", 16)

# name -> (the input, the lines of __init__, those of forward, the layers named with the text marked)
NETS: dict[str, tuple[tuple[int | str, ...], str, str, list[tuple[str, str]]]] = {
    "the layer before": (
        IMAGE,
        "self.a = nn.Conv2d(3, 32, 3, padding=1)\nself.b = nn.Conv2d(16, 8, 3)",
        "return self.b(self.a(x))",
        [("`a` gives 32 here", "32")],
    ),
    "behind what keeps the channels": (
        IMAGE,
        "self.a = nn.Conv2d(3, 32, 3, padding=1)\nself.n = nn.BatchNorm2d(32)\nself.b = nn.Conv2d(16, 8, 3)",
        "x = F.max_pool2d(F.relu(self.n(self.a(x))), 2)\nreturn self.b(F.dropout(x * torch.sigmoid(x)))",
        [("`a` gives 32 here", "32")],
    ),
    "the layer that declares it, though as much came": (
        IMAGE,
        "self.a = nn.Conv2d(3, 32, 1)\nself.c = nn.Conv2d(32, 16 * 2, 1)\nself.b = nn.Conv2d(16, 8, 3)",
        "return self.b(self.c(self.a(x)))",
        [("`c` gives 32 here", "16 * 2")],
    ),
    "a norm behind a transposed convolution": (
        IMAGE,
        "self.a = nn.ConvTranspose2d(3, out_channels=12, kernel_size=2, stride=2)\nself.n = nn.BatchNorm2d(8)",
        "return self.n(self.a(x))",
        [("`a` gives 12 here", "12")],
    ),
    "an embedding, then both directions of an LSTM": (
        ("B", 7),
        "self.e = nn.Embedding(10, 6)\nself.r = nn.LSTM(6, 20, batch_first=True, bidirectional=True)\n"
        "self.fc = nn.Linear(20, 3)",
        "x, _ = self.r(self.e(x.long()))\nreturn self.fc(x[:, -1])",
        [("`r` gives 40 here, in both directions together", "20")],
    ),
    "an LSTM that projects": (
        ("B", 7, 6),
        "self.r = nn.LSTM(6, 20, proj_size=4, batch_first=True)\nself.fc = nn.Linear(20, 3)",
        "x, _ = self.r(x)\nreturn self.fc(x)",
        [("`r` gives 4 here", "4")],
    ),
    "attention gives what it takes": (
        ("B", 7),
        "self.e = nn.Embedding(10, 6)\nself.m = nn.MultiheadAttention(6, 2, batch_first=True)\n"
        "self.fc = nn.Linear(20, 3)",
        "x = self.e(x.long())\nx, _ = self.m(x, x, x)\nreturn self.fc(x)",
        [("`e` gives 6 here", "6")],
    ),
    "each part of a sum": (
        IMAGE,
        "self.a = nn.Conv2d(3, 4, 1)\nself.c = nn.Conv2d(3, 5, 1)\nself.b = nn.Conv2d(16, 8, 3)",
        "return self.b(F.relu(torch.cat([self.a(x), x, F.relu(self.c(x))], dim=1)))",
        [("`a` gives 4 here", "4"), ("`c` gives 5 here", "5")],
    ),
    "at most three parts": (
        IMAGE,
        "self.a = nn.Conv2d(3, 1, 1)\nself.c = nn.Conv2d(3, 2, 1)\nself.d = nn.Conv2d(3, 4, 1)\n"
        "self.e = nn.Conv2d(3, 6, 1)\nself.b = nn.Conv2d(16, 8, 3)",
        "return self.b(torch.cat([self.a(x), torch.cat([self.c(x), self.d(x)], 1), self.e(x)], 1))",
        [("`a` gives 1 here", "1"), ("`c` gives 2 here", "2"), ("`d` gives 4 here", "4")],
    ),
    "both sides of a sum that fails": (
        WORDS,
        "self.a = nn.Linear(16, 8)\nself.c = nn.Linear(16, 9)",
        "return self.a(x) + torch.relu(self.c(x))",
        [("`c` gives 9 here", "9"), ("`a` gives 8 here", "8")],
    ),
    "both sides of a product of matrices": (
        ("B", 5, 16),
        "self.a = nn.Linear(16, 8)\nself.c = nn.Linear(16, 9)",
        "return self.a(x) @ self.c(x).transpose(1, 2)",
        [("`a` gives 8 here", "8"), ("`c` gives 9 here", "9")],
    ),
    "through a permutation and a mean": (
        IMAGE,
        "self.a = nn.Conv2d(3, 24, 3)\nself.n = nn.LayerNorm(24)\nself.fc = nn.Linear(12, 4)",
        "x = self.n(self.a(x).permute(0, 2, 3, 1))\nreturn self.fc(x.mean((1, 2)))",
        [("`a` gives 24 here", "24")],
    ),
    "through a flatten of single pixels": (
        IMAGE,
        "self.a = nn.Conv2d(3, 24, 3)\nself.p = nn.AdaptiveAvgPool2d(1)\nself.fc = nn.Linear(12, 4)",
        "return self.fc(torch.flatten(self.p(self.a(x)), 1))",
        [("`a` gives 24 here", "24")],
    ),
    "a pool that says how large its output is": (
        ("B", 3, 40),
        "self.p = nn.AdaptiveAvgPool1d(9)\nself.fc = nn.Linear(12, 4)",
        "return self.fc(self.p(x))",
        [("`p` gives 9 here", "9")],
    ),
    "a norm over as many neighbours": (
        ("B", 3, 40, 40),
        "self.p = nn.AdaptiveAvgPool2d((7, 5))\nself.n = nn.LocalResponseNorm(5)\nself.fc = nn.Linear(12, 4)",
        "return self.fc(self.n(self.p(x)))",
        [("`p` gives 5 here", "(7, 5)")],
    ),
    "all that a view is given": (
        WORDS,
        "self.a = nn.Linear(16, 25)",
        "return self.a(x).unflatten(1, (6, 2, 2))",
        [("`a` gives 25 here", "25")],
    ),
    "where a block is given its width": (
        IMAGE,
        "self.a = Block(3, 32)\nself.b = nn.Conv2d(16, 8, 3)",
        "return self.b(self.a(x))",
        [("`a.conv` gives 32 here", "32")],
    ),
    "in a block that is given the wrong width": (
        IMAGE,
        "self.a = nn.Conv2d(3, 32, 1)\nself.b = Block(16, 8)",
        "return self.b(self.a(x))",
        [("`a` gives 32 here", "32")],
    ),
    "a product of several sizes has no single layer": (
        IMAGE,
        "self.a = nn.Conv2d(3, 24, 3)\nself.fc = nn.Linear(12, 4)",
        "return self.fc(self.a(x).flatten(1))",
        [],
    ),
    "where a reshape has mixed the sizes": (
        ("B", 6, 16),
        "self.a = nn.Linear(16, 8)\nself.fc = nn.Linear(12, 4)",
        "return self.fc(self.a(x).reshape(-1, 8, 6).reshape(-1, 6, 8).transpose(1, 2))",
        [],
    ),
    "where two sizes are the same and one is taken away": (
        ("B", 8, 16),
        "self.a = nn.Linear(16, 8)\nself.fc = nn.Linear(12, 4)",
        "return self.fc(self.a(x).mean(1))",
        [],
    ),
    "the input itself": (WORDS, "self.fc = nn.Linear(12, 4)", "return self.fc(torch.relu(x))", []),
    "a part of what a layer gives": (
        WORDS,
        "self.a = nn.Linear(16, 8)\nself.fc = nn.Linear(12, 4)",
        "return self.fc(self.a(x).chunk(2, dim=1)[0])",
        [],
    ),
    "too many dims": (
        IMAGE,
        "self.p = nn.AdaptiveAvgPool2d(7)\nself.fc = nn.Linear(3 * 7 * 7, 4)",
        "return self.fc(self.p(x))",
        [],
    ),
}


def source(init: str, forward: str) -> str:
    body = textwrap.indent(init, " " * 8), textwrap.indent(forward, " " * 8)
    head = "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    return f"{PREAMBLE}{BLOCK}{head}{body[0]}\n\n    def forward(self, x):\n{body[1]}\n"


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FileFacts]:
    """The facts of every net, from one run of the pool."""
    folder = tmp_path_factory.mktemp("nets")
    jobs = [_job(folder, name.replace(" ", "_").replace(",", ""), *NETS[name][:3]) for name in NETS]
    found = {Path(one.filename).stem: one for one in run_jobs(jobs, parallel=os.cpu_count() or 1)}
    return {name: found[job.module] for name, job in zip(NETS, jobs, strict=True)}


def _job(folder: Path, name: str, shape: tuple[int | str, ...], init: str, forward: str) -> Job:
    path = folder / f"{name}.py"
    path.write_text(source(init, forward), encoding="utf-8")
    model = ModelJob(target="Net", inputs=(InputSpec(shape=shape),), source="the test", declared=True)
    return Job(
        path=str(path),
        filename=path.name,
        module=name,
        search_path=(str(folder),),
        models=(model,),
        user_roots=(str(folder),),
    )


def given(finding: Diagnostic, text: str) -> list[tuple[str, str]]:
    """The places that are said to give a size, each with what is marked there."""
    rows = text.splitlines()
    return [
        (one.message, rows[one.location.row - 1][one.location.column - 1 : one.end_location.column - 1])
        for one in finding.related
        if " gives " in one.message and one.end_location is not None
    ]


@pytest.mark.parametrize("name", NETS)
def test_the_layers_that_give_a_size_are_named(name: str, facts: dict[str, FileFacts]) -> None:
    _, init, forward, expected = NETS[name]
    (found,) = diagnose(facts[name], load_rules())
    assert given(found, source(init, forward)) == expected


def test_a_step_in_a_block_names_the_line_there(facts: dict[str, FileFacts]) -> None:
    of_block = facts["where a block is given its width"]
    (found,) = diagnose(of_block, load_rules())
    step = next(one for one in found.related if one.message.startswith("a.conv"))
    assert step.message == "a.conv (line 8): [B, 3, 32, 32] -> [B, 32, 32, 32]"
    assert step.location.row == 12
    assert step.made_at is not None
    assert (step.made_at.filename, step.made_at.location.row) == (of_block.filename, 8)


def test_a_finding_where_a_block_is_made_shows_its_layer_too(facts: dict[str, FileFacts]) -> None:
    (found,) = diagnose(facts["in a block that is given the wrong width"], load_rules())
    assert found.location.row == 19
    assert [(one.location.row, one.message) for one in found.related if one.end_location is not None] == [
        (12, "called here with [B, 32, 32, 32]"),
        (8, "`b.conv` is made here"),
        (18, "`a` gives 32 here"),
    ]


def span(row: int, filename: str = "net.py") -> Span:
    return Span(filename=filename, row=row, column=9, end_row=row, end_column=20)


def by_hand(layer: Layer, *producers: int) -> Diagnostic:
    """What is said of a linear layer that is fed by `layer`, or by whatever stands under these numbers."""
    fact = TensorFact(shape=("B", 8), dtype="float32")
    nodes = (
        Node(id=0, name="a", op="module", target="a", layer="a", call=span(20), outputs=(fact,)),
        Node(id=1, name="w", op="function", target="w", call=span(21), outputs=(fact,)),
        Node(
            id=2,
            name="fc",
            op="module",
            target="torch.nn.Linear",
            layer="fc",
            call=span(22),
            inputs=(fact,),
            producers=producers,
            violations=(
                Violation(name="in_features", operand="input.shape[-1]", expected=6, actual=8, argument="in_features"),
            ),
        ),
    )
    fc = Layer(path="fc", type="torch.nn.Linear", site=span(10))
    model = ModelFacts(name="n.N", target="N", row=1, status="checked", layers={"a": layer, "fc": fc}, nodes=nodes)
    (found,) = diagnose(FileFacts(filename="net.py", models=(model,)), load_rules())
    return found


MADE = Layer(path="a", type="torch.nn.Linear", attributes={"out_features": 8}, site=span(5))


def names_a(found: Diagnostic) -> bool:
    return any("gives" in one.message for one in found.related)


def test_without_the_argument_the_constructor_is_shown() -> None:
    found = by_hand(MADE, 0)
    assert [(one.location.row, one.message) for one in found.related if "gives" in one.message] == [
        (5, "`a` gives 8 here")
    ]


@pytest.mark.parametrize(
    "layer",
    [
        MADE.model_copy(update={"site": None}),
        MADE.model_copy(update={"attributes": {}}),
        MADE.model_copy(update={"attributes": {"out_features": 4}}),
        MADE.model_copy(update={"attributes": {"out_features": 4, "bidirectional": False}}),
        MADE.model_copy(update={"attributes": {"out_features": "8"}}),
        MADE.model_copy(update={"site": span(10)}),
        MADE.model_copy(update={"site": span(22)}),
    ],
    ids=[
        "no place",
        "nothing declared",
        "another number",
        "one direction",
        "no number",
        "the place of the finding",
        "the call",
    ],
)
def test_nothing_is_shown_that_is_not_known_or_shown_already(layer: Layer) -> None:
    assert not names_a(by_hand(layer, 0))


@pytest.mark.parametrize("producers", [(), (0, 1), (7,), (2,)], ids=["none", "two", "unknown", "itself"])
def test_nothing_is_shown_where_the_producer_is_not_certain(producers: tuple[int, ...]) -> None:
    assert not names_a(by_hand(MADE, *producers))


@pytest.mark.parametrize(
    ("site", "message"),
    [
        (span(5), "a (line 5): [B, 8]"),
        (span(20), "a: [B, 8]"),
        (span(5, "blocks.py"), "a (blocks.py:5): [B, 8]"),
        (None, "a: [B, 8]"),
    ],
    ids=["another line", "the same line", "another file", "unknown"],
)
def test_a_step_says_where_its_layer_is_made(site: Span | None, message: str) -> None:
    found = by_hand(MADE.model_copy(update={"site": site}), 0)
    (step,) = (one for one in found.related if one.end_location is None)
    assert step.message == message
    assert (step.made_at is None) == (site is None)


def test_a_layer_without_a_name_has_its_line_behind_its_type() -> None:
    found = by_hand(MADE.model_copy(update={"path": "body.0"}), 0)
    assert found.related[-1].message == "body.0 (nn.Linear, line 5): [B, 8]"
