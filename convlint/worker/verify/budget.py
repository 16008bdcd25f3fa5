"""What a model takes of the device, each part as far as it can be had."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from convlint.facts import ModelBudget, RunInput, Scenario
from convlint.worker.user_code.wording import said
from convlint.worker.verify.bench import Bench
from convlint.worker.verify.capacity import capacity
from convlint.worker.verify.device import free_memory
from convlint.worker.verify.forecast import forecast
from convlint.worker.verify.limits import limits
from convlint.worker.verify.memory import used
from convlint.worker.verify.timing import times

T = TypeVar("T")

_MOST_TIMES = 50
"""Calls that are kept of a large model."""


def budget(bench: Bench, feed: Sequence[RunInput], scenario: Scenario) -> ModelBudget:
    """Memory, the largest batch and times. Raises nothing that the model raises."""
    inputs = [item.at(scenario.sizes) for item in feed]
    notes: list[str] = []

    def part(name: str, work: Callable[[], T]) -> T | None:
        try:
            return work()
        except Exception as error:
            notes.append(f"{name}: {said(error)}")
            bench.restore()
            return None

    memory = bench.verify.memory or free_memory(bench.device)
    requirement = part("the memory that it needs", lambda: forecast(bench, inputs))
    use = part("the memory that it takes", lambda: used(bench, inputs))
    most = None
    if memory is not None and requirement is not None:
        runs = bench.verify.memory is None
        most = part("the largest batch", lambda: capacity(bench, feed, scenario.sizes, memory, runs=runs))
    timed = part("its time", lambda: times(bench, inputs))
    return ModelBudget(
        scenario=scenario,
        requirement=requirement,
        used=use,
        capacity=most,
        seconds=timed[0] if timed is not None else None,
        times=timed[1][:_MOST_TIMES] if timed is not None else (),
        limits=part("what the device reaches", lambda: limits(bench.device, bench.verify.precision)),
        note="; ".join(notes) or None,
    )
