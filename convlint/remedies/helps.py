"""What helps against each kind of reason, or why nothing in the configuration does."""

from __future__ import annotations

from typing import Final, Literal

from convlint.facts import Reason, ReasonKind

Help = Literal[
    "package",  # install it, repair it, or leave the file out
    "time",  # a longer time limit
    "value",  # a value where the file is imported
    "arguments",  # those of the constructor in the configuration
    "inputs",  # those of forward in the configuration, also where none are known yet
    "sizes",  # numbers for the sizes of the inputs
    "inner",  # what helps against the reason that it wraps
    "code",  # nothing: the code or its data decide it
    "elsewhere",  # nothing here: the sentence itself or a finding says what to do
    "convlint",  # nothing: it is a limit or a fault of convlint
]
LACKS: Final[frozenset[Help]] = frozenset({"code", "elsewhere", "convlint"})
"""Where nothing helps. Inputs that nobody confirmed are asked for all the same."""

HELPS: Final[dict[ReasonKind, tuple[Help, ...]]] = {
    "package-absent": ("package",),
    "package-broken": ("package",),
    "package-lacks-name": ("code",),
    "base-absent": ("inner",),
    "class-needs-package": ("inner",),
    "pretrained-absent": ("elsewhere",),
    "repository-absent": ("elsewhere",),
    "compiled-only": ("code",),
    "signature-misfit": ("elsewhere",),
    "signature-silent": ("elsewhere",),
    "set-by-script": ("value",),
    "attribute-set-by-script": ("code",),
    "trainer-only": ("code",),
    "parameter-unknown": ("code",),
    "not-computed": ("code",),
    "loop-cut": ("code",),
    "option-not-given": ("code",),
    "file-absent": ("code",),
    "target-absent": ("code",),
    "arguments-missing": ("arguments",),
    "arguments-refused": ("arguments",),
    "declared-arguments-misfit": ("arguments",),
    "constructor-raises": ("arguments",),
    "constructor-stops": ("arguments",),
    "raises-after": ("inner",),
    "not-a-module": ("code",),
    "construction-lost": ("convlint",),
    "raises": ("sizes",),
    "torch-refuses": ("code",),
    "data-dependent": ("code",),
    "value-from-data": ("code",),
    "loop-on-data": ("code",),
    "too-many-calls": ("convlint",),
    "not-traceable": ("convlint",),
    "refusal-unconfirmed": ("convlint",),
    "size-from-data": ("code",),
    "sparse-or-quantized": ("code",),
    "too-large-to-try": ("convlint",),
    "no-input": ("inputs", "sizes", "inner"),
    "layers-refuse": ("sizes",),
    "shapes-untried": ("sizes",),
    "holds-no-layers": ("code",),
    "input-guessed": ("inputs",),
    "inputs-guessed": ("inputs",),
    "arguments-guessed": ("arguments",),
    "batch-guessed": ("inputs",),
    "batch-of-example": ("code",),
    "branch-unknown": ("code",),
    "dtype-unknown": ("code",),
    "numbers-only": ("convlint",),
    "symbolic-time-limit": ("sizes",),
    "symbolic-work-limit": ("convlint",),
    "time-limit": ("time",),
    "work-limit": ("convlint",),
    "memory-limit": ("elsewhere",),
    "convlint-failed": ("elsewhere",),
    "stops-at-finding": ("elsewhere",),
    "no-torch-call": ("code",),
    "some-sizes-fail": ("sizes",),
    "sizes-undecided": ("sizes",),
    "other-way": ("inner",),
    "not-run": ("elsewhere",),
}


def helps(reason: Reason | None, help: Help) -> bool:
    """Whether it helps against a reason itself, whatever that wraps."""
    return reason is not None and help in HELPS[reason.kind]


def wrapped(reason: Reason | None, help: Help) -> Reason | None:
    """The first reason against which it helps: this one, or one that it wraps."""
    while reason is not None and help not in HELPS[reason.kind]:
        reason = reason.inner if "inner" in HELPS[reason.kind] else None
    return reason
