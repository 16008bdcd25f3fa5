"""A model's predictions held against its real runs."""

from __future__ import annotations

from typing import Literal, get_args

from convlint.facts.budget import ModelBudget
from convlint.facts.compilation import Compilation, Export
from convlint.facts.runs import Scenario
from convlint.facts.trial import Device
from convlint.facts.values import Fact, Span

VerificationStatus = Literal["confirmed", "refuted", "not verified"]
VERDICTS: tuple[VerificationStatus, ...] = get_args(VerificationStatus)

TroubleKind = Literal[
    "raises",  # forward raises where convlint has seen no mistake
    "runs",  # a call runs that convlint calls a mistake
    "edit",  # with the edits that convlint offers forward raises still
    "shape",  # a call gives something else than predicted
    "dtype",
    "device",
    "layout",
    "order",  # another call comes than predicted
    "stops",  # forward raises where convlint has said nothing
    "memory",  # the device has not the memory
    "fault",  # the device itself fails: an index out of range, an illegal access
    "not-finite",
    "no-gradient",
    "graph-break",
    "recompilation",  # for the very same sizes
    "resize-recompilation",  # for each other size
    "not-compiled",
    "compiled-differs",  # a compiled or exported model gives something else
    "not-exported",
    "export-fixed",  # an exported program refuses batches or sizes that the model takes
]


class Trouble(Fact):
    """One thing that a real run showed and that is worth a word."""

    kind: TroubleKind
    said: str  # what happened: "RuntimeError: mat1 and mat2 ..."
    predicted: str | None = None
    observed: str | None = None
    call: str | None = None  # the layer or function: "fc1", "torch.cat"
    scenario: str = ""  # "batch 2, H = W = 224, training mode"
    at: Span | None = None


class RunOutcome(Fact):
    """One run in short."""

    scenario: Scenario
    outcome: Literal["agrees", "differs", "refused as predicted", "out of memory", "not compared"]
    calls: int = 0  # compared
    seconds: float = 0.0


class Verification(Fact):
    """What became of a model on the device."""

    status: VerificationStatus
    reason: str | None = None  # why it is not verified, or only in part
    device: Device | None = None
    runs: tuple[RunOutcome, ...] = ()
    requirements: int = 0  # those called broken that a real run has refused
    edits: bool | None = None  # whether it runs with the edits that are offered; None: none are, or not all it takes
    troubles: tuple[Trouble, ...] = ()
    budget: ModelBudget | None = None
    compilation: Compilation | None = None
    export: Export | None = None
