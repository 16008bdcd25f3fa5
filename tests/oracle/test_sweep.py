"""The sweep on toys: it sees that a trace and a real run agree, and where they do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from benchmarks.oracle.child import Lost, in_child
from benchmarks.oracle.full_run import tables
from benchmarks.oracle.journal import keep
from benchmarks.oracle.sweep.compare import compare
from benchmarks.oracle.sweep.real import real_run
from benchmarks.oracle.sweep.subject import Event, Feed, Real, Subject, Traced, Variant
from benchmarks.oracle.sweep.swept import Result, judged
from benchmarks.oracle.sweep.traced import traced
from convlint.inputspec import InputSpec


class Toy(nn.Module):
    def __init__(self, features: int = 8) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 8)
        self.block = nn.Sequential(nn.Linear(features, 6), nn.ReLU())
        self.norm = nn.BatchNorm1d(6)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        x: torch.Tensor = self.block(self.embedding(words))
        x = self.norm(x.mean(1))
        return x.to(torch.float64).view(words.shape[0] * 3, 2)


WORDS: Feed = (InputSpec(shape=("B", 5), dtype="int64", high=10),)


def _subject(model: type[nn.Module] = Toy, *args: int, feed: Feed = WORDS) -> Subject:
    return Subject("toy", (Variant("", lambda: model(*args), lambda _: [feed]),), __file__)


@pytest.fixture(scope="module")
def both() -> tuple[Real, Traced]:
    subject = _subject()
    real = real_run(subject)
    assert real.choice is not None
    return real, traced(subject, real)


def test_a_toy_agrees_in_every_call(both: tuple[Real, Traced]) -> None:
    real, trace = both
    assert real.choice is not None
    assert real.choice.training
    compared = compare(real, trace)
    assert compared.difference == ""
    assert (compared.modules, compared.functions, compared.unknown) == (4, 3, 0)
    assert trace.outputs == real.outputs == (((6, 2), "float64"),)
    assert judged("toys", "toy", real, trace, 0, 0).verdict == "agrees"


def _tampered(events: tuple[Event, ...], where: str, name: str, /, **changes: object) -> tuple[Event, ...]:
    assert any((event.where, event.name) == (where, name) for event in events)
    return tuple(
        replace(event, **changes) if (event.where, event.name) == (where, name) else event  # type: ignore[arg-type]
        for event in events
    )


@pytest.mark.parametrize(
    ("where", "name", "changes", "words"),
    [
        ("block.0", "", {"outputs": (((2, 5, 7), "float32"),)}, "block.0 gives [2, 5, 6] float32, really [2, 5, 7]"),
        ("norm", "", {"outputs": (((2, 6), "float64"),)}, "norm gives [2, 6] float32, really [2, 6] float64"),
        ("", "torch.Tensor.mean", {"outputs": (((2, 9), "float32"),)}, "torch.Tensor.mean in '' gives [2, 6] float32"),
        ("", "torch.Tensor.view", {"name": "torch.Tensor.reshape"}, "really not called"),
    ],
)
def test_a_difference_is_noticed(
    both: tuple[Real, Traced], where: str, name: str, changes: dict[str, object], words: str
) -> None:
    real, trace = both
    tampered = replace(real, events=_tampered(real.events, where, name, **changes))
    assert words in compare(tampered, trace).difference
    assert judged("toys", "toy", tampered, trace, 0, 0).verdict == "differs"


def test_a_layer_more_and_another_output_are_noticed(both: tuple[Real, Traced]) -> None:
    real, trace = both
    again = next(event for event in real.events if event.where == "norm" and event.kind == "module")
    assert "calls of layers" in compare(replace(real, events=(*real.events, again)), trace).difference
    assert "forward gives" in compare(replace(real, outputs=(((6, 3), "float64"),)), trace).difference


def test_a_size_that_hangs_on_data_is_counted_and_not_compared(both: tuple[Real, Traced]) -> None:
    real, trace = both
    events = _tampered(trace.events, "", "torch.Tensor.mean", outputs=((("u0", 6), "float32"),))
    compared = compare(real, replace(trace, events=events))
    assert (compared.difference, compared.unknown) == ("", 1)


class OnlyInEval(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            raise RuntimeError("no targets")
        return x.flatten(1)


def test_a_model_that_runs_in_eval_mode_alone_is_compared_in_it() -> None:
    subject = _subject(OnlyInEval, feed=(InputSpec(shape=("B", 3, 4)),))
    real = real_run(subject)
    assert real.choice is not None
    assert not real.choice.training
    trace = traced(subject, real)
    assert judged("toys", "toy", real, trace, 0, 0).verdict == "agrees"
    assert trace.outputs == (((2, 12), "float32"),)


class Grids(nn.Module):
    def forward(self, x: torch.Tensor, grids: torch.Tensor) -> torch.Tensor:
        (height, width), *_ = grids.tolist()
        return x.view(-1, height, width)


def test_contents_are_the_same_for_both() -> None:
    feed = (InputSpec(shape=("B", 12)), InputSpec(value=[[3, 4], [3, 4]], dtype="int64"))
    subject = _subject(Grids, feed=feed)
    real = real_run(subject)
    trace = traced(subject, real)
    assert judged("toys", "toy", real, trace, 0, 0).verdict == "agrees"
    assert trace.outputs == real.outputs == (((2, 3, 4), "float32"),)


def test_what_does_not_run_or_is_not_built_says_so() -> None:
    wrong = real_run(_subject(Toy, 9))
    assert (wrong.choice, wrong.failure) == (None, "real run fails")
    assert "mat1 and mat2" in wrong.reason
    assert real_run(_subject(nn.Linear)).failure == "cannot be built"


def test_a_finding_is_the_verdict_before_all_else(both: tuple[Real, Traced]) -> None:
    real, trace = both
    result = judged("toys", "toy", real, replace(trace, findings=("in_features",)), 0, 0)
    assert (result.verdict, result.reason) == ("finding", "in_features")
    assert judged("toys", "toy", real, replace(trace, reason="stops"), 0, 0).verdict == "not traced"


def test_results_are_read_back_and_counted(tmp_path: Path) -> None:
    first = Result("timm", "a", "agrees")
    keep(tmp_path / "sweep.jsonl", [first, Result("timm", "b", "not traced", "stops at 3"), first])
    lines = tables([tmp_path / "sweep.jsonl"])
    assert "| timm | 2 | 50.0% | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |" in lines
    assert "| timm | not traced | stops at N | 1 | b |" in lines


def test_a_child_gives_back_what_it_can() -> None:
    assert in_child(lambda: 3, 20) == 3
    lost = in_child(lambda: 1 // 0, 20)
    assert isinstance(lost, Lost)
    assert "ZeroDivisionError" in lost.reason


def test_a_child_may_take_so_much_processor_time() -> None:
    def busy() -> None:
        while True:
            pass

    assert in_child(busy, 1) == Lost("takes longer than 1 s")
