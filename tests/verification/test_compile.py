"""Compiled and exported nets against plain runs of them, on the CPU as a user asks for it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from syrupy.assertion import SnapshotAssertion
from torch import nn

from convlint.facts import (
    Compilation,
    Difference,
    Export,
    FileFacts,
    GraphBreak,
    ModelFacts,
    Recompilation,
    Refusal,
    RunInput,
    Scenario,
    Verification,
)
from convlint.inputspec import InputSpec
from convlint.jobs import Verify
from convlint.report import Report as Outcome
from convlint.reporters.verification import table
from convlint.worker.build.skeleton import Sites
from convlint.worker.sandbox.deeds import COMPILERS, deeds
from convlint.worker.torch_private.compiler import CompilerLog
from convlint.worker.torch_private.modules import plain_module_calls
from convlint.worker.verify.bench import bench_of
from convlint.worker.verify.graphs import recompilations
from convlint.worker.verify.likeness import ComparedRun, Like

NETS = Path(__file__).parent / "compiled"
NO_COMPILER = {"CXX": "no-such-compiler"}
"""With it nothing is built, which takes a tenth of the time."""
Report = dict[str, Any]


def convlint(*arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "convlint", "verify", *arguments, "--device", "cpu"],
        cwd=NETS,
        env={**os.environ, "COLUMNS": "130", **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def report() -> Report:
    """One run over all nets, without a C++ compiler."""
    done = convlint("nets.py", "--compile", "--export", "--output-format", "json", environment=NO_COMPILER)
    assert done.returncode == 1, done.stderr
    return dict(json.loads(done.stdout))


def part(report: Report, name: str, which: str) -> Any:
    return next(one for one in report["models"] if one["name"] == f"nets.{name}")["verification"][which]


def found(report: Report, name: str) -> list[tuple[str, int]]:
    return [(one["code"], one["location"]["row"]) for one in report["diagnostics"] if one["model"] == f"nets.{name}"]


def row(text: str) -> int:
    lines = (NETS / "nets.py").read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def test_a_net_that_compiles_whole(report: Report) -> None:
    assert found(report, "Whole") == []
    one = part(report, "Whole", "compilation")
    assert (one["status"], one["backend"], one["graphs"], one["breaks"]) == ("compiled", "aot_eager", 1, [])
    assert one["runs"] > 3  # the usual run twice, a batch of 1, and training mode with its dropout
    assert one["differences"] == []
    assert all(again["is_expected"] for again in one["recompilations"])
    exported = part(report, "Whole", "export")
    assert (exported["status"], exported["is_dynamic"], exported["refusals"]) == ("exported", True, [])


def test_a_missing_compiler_is_said(report: Report) -> None:
    notes = part(report, "Whole", "compilation")["notes"]
    assert notes == ["inductor cannot work here: there is no C++ compiler"]


@pytest.mark.parametrize(
    ("name", "line", "reason"),
    [("Prints", "print(", "builtin operator `print`"), ("Branches", "if x.sum()", "hangs on the values of a tensor")],
)
def test_where_a_graph_breaks(report: Report, name: str, line: str, reason: str) -> None:
    one = part(report, name, "compilation")
    assert one["graphs"] == 2
    assert len(one["breaks"]) == 1
    assert reason in one["breaks"][0]["reason"]
    assert ("CL501", row(line)) in found(report, name)


def test_what_cannot_be_exported(report: Report) -> None:
    assert ("CL504", row("if x.sum()")) in found(report, "Branches")
    assert part(report, "Branches", "export")["status"] == "failed"


def test_a_net_that_is_compiled_again_each_time(report: Report) -> None:
    assert found(report, "Counts") == [("CL502", row("self.calls += 1"))]
    again = part(report, "Counts", "compilation")["recompilations"][0]
    assert again["repeats"]
    assert again["reason"].startswith("self.calls == ")


def test_a_net_that_changes_by_itself_is_not_compared(report: Report) -> None:
    one = part(report, "Counts", "compilation")
    assert (one["runs"], one["differences"]) == (0, [])
    assert any("something else in each run" in note for note in one["notes"])


def test_results_that_differ(report: Report) -> None:
    assert found(report, "Asks") == [("CL203", row("class Asks"))] * 2
    messages = [one["message"] for one in report["diagnostics"] if one["code"] == "CL203"]
    assert sorted(message.partition(" `")[0] for message in messages) == [
        "with torch.compile (aot_eager)",
        "with torch.export",
    ]


def test_a_program_that_takes_one_batch_only(report: Report) -> None:
    assert found(report, "Unrolls") == [("CL506", row("class Unrolls"))]
    refusal = part(report, "Unrolls", "export")["refusals"][0]
    assert refusal["scenario"]["sizes"]["B"] == 1


def test_nothing_is_compiled_unless_asked_for(report: Report) -> None:
    done = convlint("nets.py:Prints", "--output-format", "json", environment=NO_COMPILER)
    assert done.returncode == 0, done.stdout
    plain = json.loads(done.stdout)
    assert part(plain, "Prints", "compilation") is None
    assert part(plain, "Prints", "export") is None


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")
def test_with_a_compiler_and_in_words(snapshot: SnapshotAssertion) -> None:
    done = convlint("small.py", "--compile", environment={})
    assert (done.returncode, done.stderr) == (0, "")
    assert shown(done.stdout) == snapshot


def test_the_messages(report: Report, snapshot: SnapshotAssertion) -> None:
    lines = [f"{one['location']['row']}: {one['code']} {one['message']}" for one in report["diagnostics"]]
    assert re.sub(r"self.calls == \d+", "self.calls == N", "\n".join(lines)) == snapshot


SOUND = Compilation(status="compiled", backend="inductor", runs=4, graphs=1)
AGAIN = Recompilation(reason="self.calls == 1", scenario=Scenario(training=False))
OFF = Difference(kind="value", said="output 1 is off by 2", scenario=Scenario(training=False))
OUTCOMES = {
    "Sound": Verification(
        status="confirmed", compilation=SOUND, export=Export(status="exported", is_dynamic=True, runs=4)
    ),
    "Off": Verification(
        status="confirmed",
        compilation=SOUND.model_copy(
            update={"breaks": (GraphBreak(reason="print"),), "recompilations": (AGAIN,) * 2, "differences": (OFF,)}
        ),
        export=Export(status="exported", runs=1, refusals=(Refusal(said="no", scenario=Scenario(training=False)),) * 2),
    ),
    "Refused": Verification(
        status="confirmed",
        compilation=Compilation(status="failed", backend="inductor", reason="RuntimeError: no"),
        export=Export(status="failed", reason="RuntimeError: no"),
    ),
    "Moved": Verification(
        status="confirmed",
        compilation=Compilation(status="not checked", backend="aot_eager", reason="no time", notes=("no compiler",)),
        export=Export(status="not checked", reason="no time"),
    ),
    "Random": Verification(
        status="confirmed",
        compilation=Compilation(status="compiled", backend="aot_eager", graphs=3, notes=("no compiler", "random")),
    ),
    "Plain": Verification(status="confirmed"),
}


def test_the_table(snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "130")
    models = tuple(
        ModelFacts(name=f"net.{name}", target=name, row=row, status="checked", verification=found)
        for row, (name, found) in enumerate(OUTCOMES.items(), start=1)
    )
    outcome = Outcome((), (FileFacts(filename="net.py", models=models),), 1)
    assert table(outcome, color=False) == snapshot


def shown(text: str) -> str:
    """Without what is another number each time."""
    text = re.sub(r"cpu: .*, torch .*", "cpu: ..., torch ...", text)
    return re.sub(r" +\d+\.\d\d$", " _", text, flags=re.MULTILINE)


def test_compilers_may_be_started_only_where_models_are_compiled() -> None:
    event = "subprocess.Popen", ("g++", ["g++", "net.cpp"], None, None)
    assert [deed.what for deed in deeds(*event)] == ["starts g++"]
    assert list(deeds(*event, COMPILERS)) == []
    assert [deed.what for deed in deeds("subprocess.Popen", ("sh", ["sh"], None, None), COMPILERS)] == ["starts sh"]


class Loops(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([x[:, i].tanh() for i in range(x.shape[1])])


class Either(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2 if x.shape[1] > 30 else x * 3


def compiled_again(model: nn.Module, *sizes: int) -> list[Recompilation]:
    log, found = CompilerLog(), list[Recompilation]()
    with plain_module_calls():
        call = torch.compile(model, backend="eager")
        for size in sizes:
            call(torch.rand(2, size))
            news, scenario = log.news(), Scenario(training=False, sizes={"L": size})
            assert news is not None
            found += recompilations(news, tuple(found), scenario, __file__.__eq__, repeats=False)
    return found


def test_a_net_is_compiled_for_each_size_only_where_it_fixes_it() -> None:
    assert [one.is_expected for one in compiled_again(nn.Tanh(), 8, 9, 10)] == [True]
    assert [one.is_expected for one in compiled_again(Loops(), 8, 9, 10, 11)] == [True, False, False]
    assert [one.is_expected for one in compiled_again(Either(), 8, 9, 64)] == [True, True]


def test_a_guard_and_its_line() -> None:
    _, again = compiled_again(Either(), 8, 9, 64)
    assert "x.size()[1] <= 30" in again.reason
    assert again.at is not None
    assert Path(__file__).read_text(encoding="utf-8").splitlines()[again.at.row - 1].strip().startswith("return x * 2")


class Dropout(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.dropout(self.fc(x), 0.5, training=True)


def like(model: nn.Module, other: Any, training: bool = False) -> Like:
    """Does not depend on what other tests of the process did to gradients."""
    with torch.enable_grad():
        return likeness(model, other, training)


def drawn(model: nn.Module) -> nn.Module:
    """With weights of its own: a worker that was warmed up in this process leaves them uninitialised."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.rand(weight.shape, generator=generator) - 0.5)
    return model


def likeness(model: nn.Module, other: Any, training: bool) -> Like:
    bench = bench_of(model, torch.device("cpu"), Verify(device="cpu"), Sites(), lambda _: False)
    feed = [RunInput(name="x", spec=InputSpec(shape=("B", 8)))]
    return ComparedRun(bench, feed, Scenario(training=training, sizes={"B": 4})).like(other)


def test_the_same_seed_gives_the_same() -> None:
    model = drawn(Dropout())
    assert like(model, model, training=True) == Like()


def test_other_random_numbers_are_no_difference() -> None:
    model = drawn(Dropout())

    def other(x: torch.Tensor) -> torch.Tensor:
        torch.rand(3)
        return model(x)

    found = like(model, other)
    assert found.difference is None
    assert "random numbers" in (found.note or "")


def test_rounding_is_no_difference() -> None:
    model = drawn(nn.Sequential(*(nn.Linear(8, 8) for _ in range(6))))
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(30)
    wide = [(layer.weight.double(), layer.bias.double()) for layer in model]

    def other(x: torch.Tensor) -> torch.Tensor:
        x = x.double()
        for weight, bias in wide:
            x = nn.functional.linear(x, weight, bias)
        return x.float()

    assert like(model, other) == Like()


@pytest.mark.parametrize(
    ("other", "kind"),
    [
        (lambda x: x * 1.001, "value"),
        (lambda x: x[:, :4], "shape"),
        (lambda x: x.double(), "dtype"),
        (lambda x: (x, x), "shape"),
        (lambda x: x * float("nan"), "value"),
    ],
)
def test_differences(other: Any, kind: str) -> None:
    model = drawn(nn.Sequential(nn.Linear(8, 8), nn.Tanh()))
    found = like(model, lambda x: other(model(x)))
    assert found.difference is not None
    assert found.difference.kind == kind
