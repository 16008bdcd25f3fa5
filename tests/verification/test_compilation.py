"""How compiling a model ends, other than well."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from convlint.facts import Compilation, RunInput, Scenario
from convlint.inputspec import InputSpec
from convlint.jobs import Verify
from convlint.worker.build.skeleton import Sites
from convlint.worker.verify.bench import bench_of
from convlint.worker.verify.compiling import compilation

FEED = [RunInput(name="x", spec=InputSpec(shape=("B", 8)))]
SCENARIOS = [Scenario(training=training, sizes={"B": 4}, title="usual") for training in (False, True)]


@torch.library.custom_op("convlint_tests::doubled", mutates_args=())
def doubled(x: torch.Tensor) -> torch.Tensor:
    return x * 2


@doubled.register_fake
def _unknown(x: torch.Tensor) -> torch.Tensor:
    raise RuntimeError("nobody has said what shape it gives")


class Unknown(nn.Module):
    """Its operator runs, but a compiler cannot learn what it gives."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return doubled(x)


class Broken(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise ValueError("it never runs")


@pytest.fixture(autouse=True)
def _without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")  # nothing is built, which takes a tenth of the time


def ended(model: nn.Module, seconds: float = 60) -> Compilation:
    bench = bench_of(model, torch.device("cpu"), Verify(device="cpu"), Sites(), lambda name: name == __file__)
    return compilation(bench, FEED, SCENARIOS, seconds)


def test_a_model_that_does_not_compile() -> None:
    found = ended(Unknown())
    assert (found.status, found.scenario) == ("failed", SCENARIOS[0])
    assert found.reason == "RuntimeError: nobody has said what shape it gives"
    assert found.at is not None
    assert Path(__file__).read_text(encoding="utf-8").splitlines()[found.at.row - 1].strip() == "return doubled(x)"


def test_a_model_that_does_not_run_is_none_that_does_not_compile() -> None:
    found = ended(Broken())
    assert found.status == "not checked"
    assert "it never runs" in (found.reason or "")


def test_where_the_time_is_over() -> None:
    found = ended(nn.Sequential(*(nn.Linear(8, 8) for _ in range(200))), seconds=0.01)
    assert (found.status, found.reason) == ("not checked", "it takes longer than there is time")
    assert "stopped after 0 s" in found.notes


def test_what_was_made_before_the_time_is_over_counts() -> None:
    class Slow(nn.Module):
        """Its way in training mode never ends."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            while self.training:
                x = x + 1
            return x

    found = ended(Slow(), seconds=20)
    assert (found.status, found.runs > 0) == ("compiled", True)
    assert "stopped after 20 s" in found.notes
