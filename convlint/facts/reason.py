"""Why something was not checked, not built or not reported: a kind and its values; `sentences` has the words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, get_args

from convlint.facts.values import Fact, Span

ReasonKind = Literal[
    # What is not on this machine.
    "package-absent",  # name
    "package-broken",  # name, detail: what its import raises
    "package-lacks-name",  # name, owner: the package or module
    "base-absent",  # name: of the base class; inner: why that is not there
    "class-needs-package",  # inner
    "pretrained-absent",  # name
    "repository-absent",  # name
    "compiled-only",
    "signature-misfit",  # name: the operator, detail
    "signature-silent",  # name: the attribute, owner: the layer
    # Values that only a run of the script would show.
    "set-by-script",  # name, owner: the function; at; detail: what the attempt raised
    "attribute-set-by-script",  # name, owner: the class
    "trainer-only",  # name
    "parameter-unknown",  # name, owner: the function
    "not-computed",  # name, at, detail
    "loop-cut",  # at
    "option-not-given",  # name
    "file-absent",  # name
    # Why a model is not built.
    "target-absent",  # name
    "arguments-missing",  # names
    "arguments-refused",  # names, detail: what the last attempt raised
    "declared-arguments-misfit",  # name, detail
    "constructor-raises",  # detail
    "constructor-stops",  # detail
    "raises-after",  # inner: what was missing; detail: what was raised then
    "not-a-module",  # name, detail: the class of what it gives
    "construction-lost",  # limit: how many there are
    # Where a trace ends.
    "raises",  # detail
    "torch-refuses",  # name: the function, detail
    "data-dependent",  # name: the function, detail
    "value-from-data",  # detail
    "loop-on-data",
    "too-many-calls",  # limit
    "not-traceable",  # name: the function, detail
    "refusal-unconfirmed",  # name: the function, detail: what fake tensors raise; inner: why torch was not asked
    "size-from-data",
    "sparse-or-quantized",
    "too-large-to-try",
    # Why inputs are in doubt.
    "no-input",  # inner
    "layers-refuse",  # name: the requirement, actual, expected
    "shapes-untried",
    "holds-no-layers",
    # Why findings are held back.
    "input-guessed",  # name
    "inputs-guessed",
    "arguments-guessed",  # names
    "batch-guessed",
    "batch-of-example",
    "branch-unknown",
    "dtype-unknown",  # detail: the place that may change it
    "numbers-only",
    "symbolic-time-limit",  # remainder
    "symbolic-work-limit",  # remainder
    # Why a model is skipped or partial as a whole.
    "time-limit",  # limit: seconds
    "work-limit",
    "memory-limit",  # detail
    "convlint-failed",  # detail
    "stops-at-finding",
    "no-torch-call",
    "some-sizes-fail",  # detail
    "sizes-undecided",
    "other-way",  # inner
    "not-run",  # detail: why there are no real runs
]
"""Each with the values that it has."""

REASON_KINDS: Final[tuple[ReasonKind, ...]] = get_args(ReasonKind)

Remainder = Literal["sizes", "code", "more"]
"""What a search that was cut short is left with: the sizes that were tried, what the code alone decides, or a part."""


class Reason(Fact):
    """Why something is not known."""

    kind: ReasonKind
    name: str | None = None
    names: tuple[str, ...] = ()
    owner: str | None = None  # what the name belongs to
    at: Span | None = None
    limit: float | None = None
    actual: str | None = None
    expected: str | None = None
    remainder: Remainder | None = None
    detail: str | None = None  # as torch, Python or the user's code words it
    inner: Reason | None = None  # the reason that this one wraps

    @property
    def chain(self) -> Iterator[Reason]:
        """This reason and those that it wraps, the outermost first."""
        one: Reason | None = self
        while one is not None:
            yield one
            one = one.inner

    @property
    def cause(self) -> Reason:
        """The innermost reason."""
        return list(self.chain)[-1]
