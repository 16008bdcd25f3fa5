"""What one dry run has found and made up so far.

There are two worlds, the same program in each: whatever is made up has another value in the second one, so that what
depends on it can be told from what the program itself says.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from convlint.facts import Reason
from convlint.protocol.clock import had
from convlint.worker.dry_run import unknown
from convlint.worker.dry_run.record import ModelCall, ProgramCall, Trouble

T = TypeVar("T")


class Finished(BaseException):
    """Ends the program: all that it may take is used up."""


@dataclass
class DryRun:
    """`number` is 0 or 1."""

    number: int = 0
    options: tuple[tuple[str, Any], ...] = ()  # of the command line, where these are no defaults
    choices: dict[str, list[Any]] = field(default_factory=dict)  # what options may be besides their defaults
    lacking: dict[str, None] = field(default_factory=dict)  # options that nobody gives a value
    ends_at: tuple[str, int] | None = None  # the class of a module, and the number of the call of one that is the end
    calls: list[ModelCall] = field(default_factory=list)
    losses: list[ProgramCall] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    fed: int = 0  # calls of models so far
    loops: int = 0  # loops that were begun
    steps: int = 0  # of training
    inventions: list[str] = field(default_factory=list)  # what was made up
    lengths: set[int] = field(default_factory=set)  # those made up
    cut: Reason | None = None  # a loop that was left although it fed no model
    tainted: dict[int, Any] = field(default_factory=dict)  # by id: values that may not be what the program makes
    end: float = float("inf")  # when the time is over, by the clock of this process

    def made_up(self, what: str, first: T, second: T) -> T:
        """A value that nobody gave: another one in each world."""
        self.inventions.append(what)
        return second if self.number else first

    @property
    def doubt(self) -> Reason | None:
        """Why what the program does from here on proves nothing; None where it does what it would do for its user."""
        return unknown.branches[0] if unknown.branches else self.cut

    def taint(self, value: Any) -> None:
        if value is None or isinstance(value, bool | int | float | str | bytes | type):
            return
        self.tainted[id(value)] = value

    def is_tainted(self, value: Any, depth: int = 3) -> bool:
        if not self.tainted:
            return False
        if id(value) in self.tainted:
            return True
        if depth and type(value) in (list, tuple):
            return any(self.is_tainted(item, depth - 1) for item in value[:64])
        if depth and isinstance(value, dict):
            return any(self.is_tainted(item, depth - 1) for item in value.values())
        return False

    def made_up_length(self, what: str, first: int, second: int) -> int:
        """A length that nobody gave."""
        length = self.made_up(what, first, second)
        self.lengths.add(length)
        return length

    def is_length_made_up(self, length: int) -> bool:
        return length in self.lengths

    def check_time(self) -> None:
        if had() > self.end:
            raise Finished

    @property
    def seed(self) -> int:
        return 1009 * self.number

    def rng(self) -> random.Random:
        return random.Random(self.seed + len(self.inventions))


_worlds: list[DryRun] = [DryRun()]


def current() -> DryRun:
    return _worlds[-1]


@contextmanager
def living_in(world: DryRun) -> Iterator[DryRun]:
    unknown.branches.clear()
    _worlds.append(world)
    try:
        yield world
    finally:
        _worlds.pop()
