"""What one trace met, in order: conditions it took as true, and requirements its nodes made.

A size follows a trail as long as the assumptions hold for it. The first broken event decides: a violation or a stop
rejects the size, a broken assumption says that the size would have gone another way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy

from convlint.facts import Reason, Span

Key = tuple[str, str, str]
"""A requirement by what stays the same from trace to trace: the layer or line, the requirement, the operand."""


@dataclass(frozen=True, slots=True)
class Assumption:
    """A condition on symbols that torch or the user's code asked for and that held in this trace."""

    condition: sympy.Basic
    is_inner: bool = False  # asked within one call, whose answer changes sizes and not which calls follow


@dataclass(frozen=True, slots=True)
class Requirement:
    """A requirement of one node, whether it held in this trace or not."""

    name: str
    operand: str
    condition: sympy.Basic
    actual: sympy.Expr | str
    expected: sympy.Expr | str
    key: Key
    node: int | None = None  # the number of the node in the graph; None while the model is built
    holds: bool = False  # at the sizes of this trace
    taints: bool = False  # it is broken, and what follows is of a repair: that says nothing of sizes that meet it
    argument: str | None = None
    layer: str | None = None
    value: sympy.Expr | None = None
    at: Span | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """A call that torch refused: a function or layer, and its arguments with their sizes in symbols."""

    subject: Callable[..., Any]
    args: Sequence[Any]
    kwargs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stop:
    """torch refused an operation, and a run on real tensors of these sizes confirmed it."""

    words: str  # torch's own
    node: int
    key: Key
    is_misuse: bool = False  # torch was given something of another kind, not of another shape
    call: RefusedCall | None = field(default=None, compare=False)

    @property
    def condition(self) -> sympy.Basic:
        return sympy.false


@dataclass(frozen=True, slots=True)
class TraceStopped:
    """The trace cannot tell what happens from here on."""

    reason: Reason
    at: Span | None = None


@dataclass(frozen=True, slots=True)
class Oversized(TraceStopped):
    """A call is refused that is too large to be tried on real tensors: smaller inputs tell."""


@dataclass(frozen=True, slots=True)
class Raised(TraceStopped):
    """An exception that left forward, which a run on real tensors may confirm."""

    kind: str = ""  # the class of the exception
    numbers: tuple[int, ...] = ()  # sizes in the code that it came through, which may be asked of the input
    is_unpacking: bool = False  # a call gives more or fewer values than the code has names for
    is_certain: bool = False  # no size, data or argument decides it: a name that is defined nowhere


@dataclass(frozen=True, slots=True)
class UserError(Raised):
    """The user's own code raises at these sizes: an assertion, a check of its inputs."""


@dataclass(frozen=True, slots=True)
class UserErrorOnBranch(TraceStopped):
    """The user's own code raises on a way that data takes."""


@dataclass(frozen=True, slots=True)
class Unread(TraceStopped):
    """The user's code cannot read a shape as it wants to; the violation before this event says why."""


Event = Assumption | Requirement | Stop | TraceStopped


def reason_of(end: Stop | TraceStopped) -> Reason:
    """Why a trace ended."""
    return (
        end.reason if isinstance(end, TraceStopped) else Reason(kind="torch-refuses", name=end.key[2], detail=end.words)
    )


@dataclass(slots=True)
class Trail:
    """The events of one trace; only the tracer appends."""

    events: list[Event] = field(default_factory=list)

    def needs(self) -> list[Requirement]:
        return [event for event in self.events if isinstance(event, Requirement)]

    def broken(self) -> list[Requirement]:
        return [requirement for requirement in self.needs() if not requirement.holds]

    def end(self) -> Stop | TraceStopped | None:
        last = self.events[-1] if self.events else None
        return last if isinstance(last, Stop | TraceStopped) else None
