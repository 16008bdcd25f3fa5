"""Every example of every rule, run twice: by torch itself as the judge, and through convlint."""

from __future__ import annotations

import math
import os
import runpy
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode

from convlint.diagnostics import Diagnostic
from convlint.facts import FileFacts
from convlint.inputspec import InputSpec
from convlint.jobs import Job, ModelJob
from convlint.pool.pool import run_jobs
from convlint.rules.apply import diagnose
from convlint.rules.load import load_rules
from convlint.rules.schema import BadExample, Example, Rule

PREAMBLE = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n"
USUAL = 64
"""A size that any model takes which does not fix it."""


@dataclass(frozen=True)
class Case:
    """One example of one rule."""

    rule: Rule
    example: Example
    number: int

    @property
    def is_bad(self) -> bool:
        return isinstance(self.example, BadExample)

    @property
    def is_module(self) -> bool:
        return "class Net(" in self.example.code

    @property
    def name(self) -> str:
        return f"{self.rule.id.lower()}_{'bad' if self.is_bad else 'good'}{self.number}"

    @property
    def source(self) -> str:
        code = self.example.code.lstrip("\n")
        return PREAMBLE + (code if self.is_module else f"model = {code}\n")

    @property
    def place(self) -> tuple[int, int]:
        """How far the code lies inside the source, in rows and columns."""
        return PREAMBLE.count("\n"), 0 if self.is_module else len("model = ")


def cases() -> Iterator[Case]:
    for rule in load_rules():
        for examples in (rule.bad, rule.good):
            for number, example in enumerate(examples, start=1):
                yield Case(rule, example, number)


CASES = tuple(cases())
BY_NAME = [pytest.param(case, id=case.name) for case in CASES]
BAD = [pytest.param(case, id=case.name) for case in CASES if case.is_bad]
GOOD = [pytest.param(case, id=case.name) for case in CASES if not case.is_bad]


@pytest.mark.parametrize("rule", [rule for rule in load_rules() if rule.id.startswith("CL1")], ids=lambda r: r.id)
def test_a_shape_rule_has_examples(rule: Rule) -> None:
    assert len(rule.bad) >= 2
    assert len(rule.good) >= 2


def forward(folder: Path, case: Case, batch: int) -> Any:
    """What torch gives for the example, with real tensors."""
    path = folder / f"{case.name}.py"
    path.write_text(case.source, encoding="utf-8")
    scope = runpy.run_path(str(path))
    model = scope["Net"]() if case.is_module else scope["model"]
    shape = [dim if isinstance(dim, int) else batch if dim == "B" else USUAL for dim in case.example.input or ()]
    return model.train()(torch.zeros(shape, dtype=getattr(torch, case.example.dtype)))


class Pairs(TorchFunctionMode):
    """Notes whether a function of two tensors broadcasts both of them."""

    def __init__(self) -> None:
        super().__init__()
        self.met = False

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        shapes = [x.shape for x in args if isinstance(x, torch.Tensor)]
        if len(shapes) == 2 and len(shapes[0]) != len(shapes[1]):
            with suppress(ValueError):
                self.met |= math.prod(np.broadcast_shapes(*shapes)) > max(shape.numel() for shape in shapes)
        return function(*args, **(kwargs or {}))


def is_table_of_pairs(folder: Path, case: Case, batch: int) -> bool:
    pairs = Pairs()
    with warnings.catch_warnings(), pairs:
        warnings.simplefilter("ignore")
        forward(folder, case, batch)
    return pairs.met


@pytest.mark.parametrize("batch", [2, 3])
@pytest.mark.parametrize("case", BY_NAME)
def test_torch_agrees(tmp_path: Path, case: Case, batch: int) -> None:
    if case.rule.name == "signature-mismatch":
        pytest.skip("the packages of such operators are not there")
    if not case.is_bad:
        forward(tmp_path, case, batch)
    elif case.rule.name == "batch-folded":
        assert len(forward(tmp_path, case, batch)) != batch
    elif case.rule.name == "loss-broadcast":
        assert is_table_of_pairs(tmp_path, case, batch)
    elif case.rule.name == "returns-nothing":
        assert forward(tmp_path, case, batch) is None
    else:
        with pytest.raises(
            (RuntimeError, ValueError, TypeError, AssertionError, IndexError, NameError, AttributeError)
        ):
            forward(tmp_path, case, batch)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[FileFacts, FileFacts]]:
    """The facts of every example, with its input declared and without, from one run of the pool."""
    folder = tmp_path_factory.mktemp("examples")
    found = run_jobs([job(folder, case) for case in CASES], parallel=os.cpu_count() or 1)
    return {Path(one.filename).stem: halves(one) for one in found}


def halves(both: FileFacts) -> tuple[FileFacts, FileFacts]:
    """The facts of the two models of a job, each as if it were alone in its file."""
    assert not both.failures, both.failures
    declared, inferred = both.models
    return (
        both.model_copy(update={"models": (declared,)}),
        both.model_copy(update={"models": (inferred,)}),
    )


def job(folder: Path, case: Case) -> Job:
    path = folder / f"{case.name}.py"
    path.write_text(case.source, encoding="utf-8")
    inputs = (InputSpec(shape=case.example.input or (), dtype=case.example.dtype),)
    inferred = ModelJob(
        target="Net" if case.is_module else "model",
        kind="class" if case.is_module else "instance",
        row=PREAMBLE.count("\n") + 1,
    )
    declared = inferred.model_copy(update={"inputs": inputs, "source": "the example", "declared": True})
    return Job(
        path=str(path),
        filename=path.name,
        module=path.stem,
        search_path=(str(folder),),
        models=(declared, inferred),
        user_roots=(str(folder),),
    )


@pytest.mark.parametrize("case", BY_NAME)
def test_convlint_finds_the_bad_and_only_the_bad(case: Case, facts: dict[str, tuple[FileFacts, FileFacts]]) -> None:
    one = facts[case.name][0]
    found = diagnose(one, load_rules())
    assert [finding.code for finding in found] == ([case.rule.id] if case.is_bad else []), one.models
    if isinstance(case.example, BadExample):
        check(found[0], case, case.example)
    else:
        assert [model.status for model in one.models] == ["checked"], one.models


def check(found: Diagnostic, case: Case, wanted: BadExample) -> None:
    """The parts of the finding that the example states."""
    rows, columns = case.place
    if wanted.row is not None:
        assert found.location.row == wanted.row + rows
    if wanted.column is not None:
        assert found.location.column == wanted.column + columns
    if wanted.expected is not None:
        assert found.expected == wanted.expected
    if wanted.actual is not None:
        assert found.actual == wanted.actual
    assert "?" not in found.message
    assert found.message


@pytest.mark.parametrize("case", GOOD)
def test_nothing_is_said_of_the_good_without_an_input(
    case: Case, facts: dict[str, tuple[FileFacts, FileFacts]]
) -> None:
    assert diagnose(facts[case.name][1], load_rules()) == []


@pytest.mark.parametrize("case", BAD)
def test_without_an_input_no_other_rule_speaks(case: Case, facts: dict[str, tuple[FileFacts, FileFacts]]) -> None:
    found = diagnose(facts[case.name][1], load_rules())
    degenerate = {"CL118", "CL119"}  # some odd size, or one batch, makes it run
    assert {finding.code for finding in found} <= {case.rule.id, *degenerate}
