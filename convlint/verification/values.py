"""Models run on real tensors to take one number of a layer's output apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from convlint.check import Gathered
from convlint.explain import Values
from convlint.explain.table import Table
from convlint.facts import ModelFacts, RunInput, Scenario
from convlint.jobs import Job, Verify, Wanted
from convlint.pool.pool import WorkerPool
from convlint.reporters.source import beside
from convlint.sentences import sentence
from convlint.verification.given import read_numbers, with_numbers
from convlint.verification.judge import why_not
from convlint.verification.trials import wanted_job
from convlint.verification.verify import answers_of


@dataclass(frozen=True, slots=True)
class Question:
    """Which number is wanted, and of what run."""

    verify: Verify
    layer: str
    at: tuple[int, ...] | None
    call: int
    source: str | None  # a file with the input's numbers
    timeout: float  # seconds for one model
    memory: int  # megabytes on the host


def values_of(
    gathered: Gathered, tables: Sequence[Table], question: Question, pool: WorkerPool
) -> tuple[Values | str, ...]:
    """For each table the numbers, or why they cannot be shown. Raises ConfigError and CannotRun."""
    given = read_numbers(question.source) if question.source is not None else None
    jobs = {job.filename: job for job in gathered.jobs}
    return tuple(_values(jobs[table.filename], table, question, given, pool) for table in tables)


def _values(job: Job, table: Table, question: Question, given: Any, pool: WorkerPool) -> Values | str:
    model = table.model
    scenario = _scenario(model)
    if scenario is None:
        return f"{table.name}: it is not run for real: {why_not(model)}"
    feed: tuple[RunInput, ...] = model.feed
    if question.source is not None:
        feed, sizes = with_numbers(feed, given, question.source)
        scenario = scenario.model_copy(update={"sizes": {**scenario.sizes, **sizes}})
    wanted = Wanted(layer=question.layer, at=question.at, call=question.call, scenario=scenario)
    asked = wanted_job(job, model, wanted, feed)
    if asked is None:
        return f"{table.name}: it is not run for real: {why_not(model)}"
    limits = {"timeout": question.timeout, "memory": question.memory}
    asked = asked.model_copy(update={"verify": question.verify, **limits})
    _, answer = next(answers_of([asked], pool))
    trial = answer.trials[0] if answer.trials else None
    if trial is None:
        return f"{table.name}: {'; '.join(one.message for one in answer.failures)}"
    if trial.breakdown is None or trial.device is None:
        place = f" ({beside(trial.at.filename, trial.at.row, table.filename)})" if trial.at is not None else ""
        said = sentence(trial.reason) if trial.reason is not None else None
        return f"{table.name}: {said}{place}"
    return Values(trial.breakdown, trial.device, scenario, question.call, question.source)


def _scenario(model: ModelFacts) -> Scenario | None:
    """One sample at usual sizes in eval mode, where such a run is predicted."""
    found = [one.scenario for one in model.predictions if not one.scenario.training]
    return min(found, key=lambda one: one.batch or 1, default=None)
