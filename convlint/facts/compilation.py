"""What torch.compile and torch.export make of a model, held against plain runs of it."""

from __future__ import annotations

from typing import Literal

from convlint.facts.runs import Scenario
from convlint.facts.values import Fact, Span


class GraphBreak(Fact):
    """Where forward falls apart into several graphs."""

    reason: str
    at: Span | None = None


class Recompilation(Fact):
    """Code that was compiled once more."""

    reason: str  # the guard that no longer held: "self.calls == 1"
    scenario: Scenario
    repeats: bool = False  # the run before had the very same sizes
    is_expected: bool = False  # torch does so for other sizes, until it has opened each that changes
    resized: str | None = None  # the size that has changed, where it is one
    at: Span | None = None


class Difference(Fact):
    """A run that gives something else than the same run without a compiler."""

    kind: Literal["shape", "dtype", "value"]
    said: str
    scenario: Scenario


class Refusal(Fact):
    """A run that an exported program does not take."""

    said: str
    scenario: Scenario
    is_expected: bool = False  # torch makes a special case of each size of 1, also between layers


class Compilation(Fact):
    """torch.compile at work."""

    status: Literal["compiled", "failed", "not checked"]
    backend: str | None = None  # "inductor"; "aot_eager" where the toolchain is missing
    runs: int = 0  # that could be held against plain ones
    graphs: int | None = None  # of the first run; None where this torch does not tell
    breaks: tuple[GraphBreak, ...] = ()
    recompilations: tuple[Recompilation, ...] = ()
    differences: tuple[Difference, ...] = ()
    reason: str | None = None  # why it does not compile, or is not checked
    scenario: Scenario | None = None  # the run that does not compile
    at: Span | None = None
    notes: tuple[str, ...] = ()  # what was left out, and why


class Export(Fact):
    """torch.export at work."""

    status: Literal["exported", "failed", "not checked"]
    is_dynamic: bool = False  # several batches or sizes were asked for, and forward could be followed with them open
    runs: int = 0
    refusals: tuple[Refusal, ...] = ()
    differences: tuple[Difference, ...] = ()
    reason: str | None = None  # why it does not export, or not with open sizes, or is not checked
    at: Span | None = None
    notes: tuple[str, ...] = ()
