"""Facts: plain JSON values, and all that is cached. The worker writes them, the rules read them.

Nothing here knows torch, a rule or a report.
"""

from convlint.facts.breakdown import Axis, Breakdown, BreakdownWay, Share
from convlint.facts.budget import Budget, CallTime, Capacity, Limits, MemoryNeed, MemoryUse
from convlint.facts.compilation import Compilation, Difference, Export, GraphBreak, Recompilation, Refusal
from convlint.facts.edit import Change, EditKind, Split, TriedEdit
from convlint.facts.file import MOST_EFFECTS, BuildFailure, Effect, Failure, FileFacts, together
from convlint.facts.model import Basis, InputFact, Layer, ModelFacts, Node, Rival, Status, Unmet, Verdict
from convlint.facts.runs import (
    Array,
    Observation,
    Prediction,
    Refused,
    RunCall,
    RunError,
    RunInput,
    Scenario,
    Unfit,
    Way,
    Weight,
)
from convlint.facts.trial import Device, Trial
from convlint.facts.values import LARGEST_SIZE, Attribute, Dim, Fact, Ordinal, Scalar, Span, TensorFact
from convlint.facts.verification import VERDICTS, RunOutcome, Trouble, TroubleKind, Verification, VerificationStatus

__all__ = [
    "LARGEST_SIZE",
    "MOST_EFFECTS",
    "VERDICTS",
    "Array",
    "Attribute",
    "Axis",
    "Basis",
    "Breakdown",
    "BreakdownWay",
    "Budget",
    "BuildFailure",
    "CallTime",
    "Capacity",
    "Change",
    "Compilation",
    "Device",
    "Difference",
    "Dim",
    "EditKind",
    "Effect",
    "Export",
    "Fact",
    "Failure",
    "FileFacts",
    "GraphBreak",
    "InputFact",
    "Layer",
    "Limits",
    "MemoryNeed",
    "MemoryUse",
    "ModelFacts",
    "Node",
    "Observation",
    "Ordinal",
    "Prediction",
    "Recompilation",
    "Refusal",
    "Refused",
    "Rival",
    "RunCall",
    "RunError",
    "RunInput",
    "RunOutcome",
    "Scalar",
    "Scenario",
    "Share",
    "Span",
    "Split",
    "Status",
    "TensorFact",
    "Trial",
    "TriedEdit",
    "Trouble",
    "TroubleKind",
    "Unfit",
    "Unmet",
    "Verdict",
    "Verification",
    "VerificationStatus",
    "Way",
    "Weight",
    "together",
]
