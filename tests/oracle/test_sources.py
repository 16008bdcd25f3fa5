"""Mutants of real files: which nets are found, what is left out, and that mutants of them are judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import nn

from benchmarks.oracle import apart as limits
from benchmarks.oracle.__main__ import oracle
from benchmarks.oracle.apart import apart
from benchmarks.oracle.campaign import Campaign, Candidate, judged, mutated
from benchmarks.oracle.child import Lost
from benchmarks.oracle.declared import declared, that_runs
from benchmarks.oracle.factories import FACTORY, of_class
from benchmarks.oracle.journal import known
from benchmarks.oracle.judge import Judgement
from benchmarks.oracle.mutants import Mutant
from benchmarks.oracle.net import Net
from benchmarks.oracle.sources import LeftOut, running, standing_alone
from benchmarks.oracle.sweep.subject import Subject, Variant
from benchmarks.oracle.truth import Ran, Real
from convlint.inputspec import InputSpec
from convlint.pool.pool import WorkerPool

EXAMPLES = Path(__file__).parents[2] / "examples"
HEAD = "import torch\nfrom torch import nn\n\n\n"
NET = (
    HEAD
    + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        return self.fc(x)
"""
)
PARTS = (
    HEAD
    + """
class Part(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.fc = nn.Linear(before, after)

    def forward(self, x):
        return self.fc(x)
"""
)
WHOLE = (
    "from torch import nn\n\nfrom .parts import Part\n\n\n"
    + """
class Whole(nn.Module):
    def __init__(self):
        super().__init__()
        self.part = Part(8, 6)
        self.out = nn.Linear(6, 4)

    def forward(self, x):
        return self.out(self.part(x))


class Unused(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 4)

    def forward(self, x):
        return self.fc(x)
"""
)
DECLARED = '[[tool.convlint.model]]\nname = "{}"\ninputs = [{{ shape = {} }}]\n'


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool() as pool:
        yield pool


def project(folder: Path, configuration: str, files: Mapping[str, str]) -> Path:
    (folder / "pyproject.toml").write_text(configuration)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder


def package(folder: Path) -> Path:
    configuration = DECLARED.format("models/whole.py:Whole", '["B", 8]')
    return project(
        folder, configuration, {"models/__init__.py": "", "models/parts.py": PARTS, "models/whole.py": WHOLE}
    )


def spec(*sizes: int) -> InputSpec:
    return InputSpec(shape=("B", *sizes))


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("from .parts import Part", "from models.new.parts import Part"),
        ("from . import parts, more", "from models.new import parts, more"),
        ("from ..old.parts import (\n    Part,\n)", "from models.old.parts import (\n    Part,\n)"),
        ("def f():\n    from .parts import Part", "def f():\n    from models.new.parts import Part"),
        ("from torch import nn", "from torch import nn"),
    ],
)
def test_relative_imports_are_written_out(statement: str, expected: str) -> None:
    assert standing_alone(statement, "models.new") == expected


def test_an_example_is_found_and_its_mutants_are_judged(pool: WorkerPool) -> None:
    (net,) = declared([EXAMPLES / "correct" / "mnist.py"])
    net = that_runs(net)
    assert isinstance(net, Net)
    assert (net.target, net.classes, net.inputs) == ("Net", {"Net"}, (spec(1, 28, 28),))
    told = list(judged(list(mutated(net, 3)), pool, "files", is_apart=True))
    assert [one.given for one in told if isinstance(one, Judgement)] == ["agrees"] * 3
    assert {one.family for one in told if isinstance(one, Judgement)} == {"files"}


def test_a_file_that_imports_its_neighbours_is_judged(tmp_path: Path, pool: WorkerPool) -> None:
    net = that_runs(next(declared([package(tmp_path)])))
    assert isinstance(net, Net)
    assert net.classes == {"Whole"}
    assert "from models.parts import Part" in net.source
    candidates = list(mutated(net, 100))
    assert len(candidates) > 5
    unused = WHOLE.splitlines().index("class Unused(nn.Module):")
    assert all(one.mutant.row <= unused for one in candidates)
    told = list(judged(candidates[:5], pool, "files", is_apart=True))
    assert [one.given for one in told if isinstance(one, Judgement)] == ["agrees"] * 5


def test_a_wrong_file_is_left_out() -> None:
    found = [that_runs(net) for net in declared([EXAMPLES / "broken" / "mnist.py"])]
    assert [one.reason for one in found if isinstance(one, LeftOut)] == ["does not run: RuntimeError"]


@pytest.mark.parametrize(
    ("configuration", "source", "reason"),
    [
        ("[tool.convlint]\n", NET, "no inputs are declared"),
        (DECLARED.format("net.py:Net", '["B", "L", 8]'), NET, "a declared size has no number"),
        (
            DECLARED.format("net.py:model", '["B", 8]'),
            NET + "\n\nmodel = Net()\n",
            "an instance, and nothing that builds it",
        ),
    ],
)
def test_what_cannot_be_run_is_left_out(tmp_path: Path, configuration: str, source: str, reason: str) -> None:
    found = list(declared([project(tmp_path, configuration, {"net.py": source})]))
    assert isinstance(found[-1], LeftOut)
    assert found[-1].reason == reason


def test_inputs_beside_the_model_are_declared_ones(tmp_path: Path) -> None:
    source = NET.replace("class Net", "# convlint: input=[B, 8]\nclass Net")
    (net,) = declared([project(tmp_path, "[tool.convlint]\n", {"net.py": source})])
    assert isinstance(net, Net)
    assert net.inputs[0].shape == ("B", 8)


def test_a_folder_of_cases_has_its_inputs_in_its_table(tmp_path: Path) -> None:
    head = "file,class,ctor_args,input_shape,input_dtype\n"
    (tmp_path / "expected.csv").write_text(head + 'net.py,Net,"{""width"":8}",4x8,float32\n')
    (tmp_path / "net.py").write_text(NET.replace("(self)", "(self, sizes)").replace("8, 4", 'sizes["width"], 4'))
    net = that_runs(next(declared([tmp_path])))
    assert isinstance(net, Net)
    assert net.inputs == (spec(8),)


def test_the_first_input_that_real_torch_takes_counts() -> None:
    feeds = [(spec(3),), (spec(8),), (spec(2, 8),)]
    net = running(Net("net", NET, ()), lambda _: feeds)
    assert isinstance(net, Net)
    assert net.inputs == feeds[1]
    assert running(Net("net", NET, ()), lambda _: feeds[:1]) == LeftOut("net", "does not run: RuntimeError")
    assert running(Net("net", NET, ()), lambda _: []) == LeftOut("net", "no input is known")
    assert running(Net("net", NET, (), args=(1,)), lambda _: feeds) == LeftOut("net", "cannot be built: TypeError")


def test_a_view_that_splits_examples_is_no_net_that_runs() -> None:
    net = Net("net", NET.replace("(x)", "(x.view(-1, 8))"), ())
    assert running(net, lambda _: [(spec(16),)]) == LeftOut("net", "gives more examples than go in")
    assert isinstance(running(net, lambda _: [(spec(8),)]), Net)


def test_inputs_go_in_by_name_and_in_lists_and_dicts() -> None:
    source = NET.replace("self, x", "self, xs, *, more").replace("(x)", "(xs[0] + xs[1]['a'] + more)")
    parts = InputSpec(list=(spec(8), InputSpec(dict={"a": spec(8)})))
    net = Net("net", source, (InputSpec(name="more", shape=("B", 8)), parts))
    told = Real(net).run({"B": 2})
    assert isinstance(told, Ran)
    assert told.output == (2, 4)


def test_a_process_apart_has_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert apart(lambda: 3) == 3
    monkeypatch.setattr(limits, "MEMORY", 1 << 28)
    lost = apart(lambda: torch.ones(1 << 28).sum().item())
    assert isinstance(lost, Lost)
    assert "allocate memory" in lost.reason
    monkeypatch.setattr(limits, "SECONDS", 1)
    assert apart(lambda: sum(iter(lambda: 1, 0))) == Lost("takes longer than 1 s")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("x = torch.ones(1 << 36) + x", "takes too much memory"),
        ("x = y", "raises NameError"),
        ("while True: pass", "takes longer than 2 s"),
    ],
)
def test_mutants_that_say_nothing_of_shapes_are_left_out(
    line: str, reason: str, monkeypatch: pytest.MonkeyPatch, pool: WorkerPool
) -> None:
    monkeypatch.setattr(limits, "SECONDS", 2)
    source = NET.replace("        return", f"        {line}\n        return")
    net = Net("net-0", source, (spec(8),))
    candidate = Candidate(net, Mutant("dim", 1, "", source, "", ""))
    assert list(judged([candidate], pool, "files", is_apart=True)) == [LeftOut("net-0", reason)]


def test_batches_come_in_order() -> None:
    found = [*declared([EXAMPLES / "broken" / "mnist.py"]), Net("net", NET, (spec(8),)), Net("other", NET, (spec(8),))]
    batches = list(Campaign("files", 1, that_runs).batches(found, 1))
    assert [[one.name for one in batch] for batch in batches] == [[found[0].name], ["net-0"], ["other-0"]]
    assert [isinstance(one, Judgement) for batch in batches for one in batch] == [False, True, True]


def test_the_command_goes_on_where_it_was(tmp_path: Path) -> None:
    folder, out = package(tmp_path), tmp_path / "out.jsonl"
    command = ["files", str(folder), "--each", "2", "--out", str(out)]
    first = CliRunner().invoke(oracle, command)
    assert first.exit_code == 0, first.output
    assert "| | 2 |" in first.output
    assert {one.family for one in known(out, Judgement)} == {"files"}
    kept = out.read_text()
    again = CliRunner().invoke(oracle, command)
    assert again.output.splitlines()[-1] == first.output.splitlines()[-1] == "Left out: 1 (no inputs are declared)."
    assert out.read_text() == kept


class Toy(nn.Module):
    def __init__(self, dim: int, transformer: nn.Module, activation: nn.Module, depth: int = 3) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(dim, dim), transformer, activation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.body(x)
        return out


def test_a_class_of_a_package_is_built_by_text() -> None:
    from benchmarks.oracle.sweep import classes

    build = partial(classes._filled, ModuleType("toys"), Toy, {"depth": 2})
    (factory,) = of_class(Subject("toys.Toy", (Variant("", build, lambda _: []),), __file__))
    assert factory.module == Toy.__module__
    arguments = "dim=32, transformer=nn.Sequential(nn.Linear(32, 32), nn.GELU()), activation=nn.GELU(), depth=2"
    assert f"return Toy({arguments})" in factory.text
    namespace: dict[str, Any] = {"Toy": Toy}
    exec(factory.text, namespace)  # noqa: S102
    assert namespace[FACTORY]()(torch.ones(2, 32)).shape == (2, 32)
