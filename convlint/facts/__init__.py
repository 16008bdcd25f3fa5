"""Facts: plain JSON values, and all that is cached. The worker writes them, the rules read them.

Nothing here knows torch, a rule or a report.
"""

from convlint.facts.file import MOST_EFFECTS, BuildFailure, Effect, Failure, FileFacts
from convlint.facts.model import InputFact, Layer, ModelFacts, Node, Rival, Status, Unmet, Verdict
from convlint.facts.values import LARGEST_SIZE, Attribute, Dim, Fact, Ordinal, Scalar, Span, TensorFact

__all__ = [
    "LARGEST_SIZE",
    "MOST_EFFECTS",
    "Attribute",
    "BuildFailure",
    "Dim",
    "Effect",
    "Fact",
    "Failure",
    "FileFacts",
    "InputFact",
    "Layer",
    "ModelFacts",
    "Node",
    "Ordinal",
    "Rival",
    "Scalar",
    "Span",
    "Status",
    "TensorFact",
    "Unmet",
    "Verdict",
]
