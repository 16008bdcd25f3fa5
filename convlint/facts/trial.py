"""All real runs of one model."""

from __future__ import annotations

from convlint.facts.breakdown import Breakdown
from convlint.facts.budget import ModelBudget
from convlint.facts.compilation import Compilation, Export
from convlint.facts.reason import Reason
from convlint.facts.runs import Observation, Weight
from convlint.facts.values import Fact, Span


class Device(Fact):
    """Where real runs were made."""

    name: str  # "cuda:0"
    title: str  # "NVIDIA H200"
    torch: str  # "2.13.0"
    memory: int | None = None  # bytes


class TrialFacts(Fact):
    """The real runs of one model."""

    device: Device | None = None
    reason: Reason | None = None  # why there are none
    is_hungry: bool = False  # for want of memory
    at: Span | None = None
    unfit: tuple[Weight, ...] = ()  # weights that hold nan or inf from the start
    observations: tuple[Observation, ...] = ()
    budget: ModelBudget | None = None
    breakdown: Breakdown | None = None  # where one number was asked for
    compilation: Compilation | None = None
    export: Export | None = None
