"""A run on guessed inputs, and the score that attempts are compared by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, total_ordering

from convlint.ops.requirements import requirement_kind
from convlint.worker.analysis.inference.demands import placeholder
from convlint.worker.analysis.inference.guesses import Guess
from convlint.worker.analysis.session import Run
from convlint.worker.analysis.solving.constants import is_of_layers
from convlint.worker.trace.input import BATCH
from convlint.worker.trace.origin import NAMED
from convlint.worker.trace.trail import Oversized, Requirement, Stop, Unread


@total_ordering
@dataclass(frozen=True)
class Score:
    """How far an attempt came; the greater one is the better."""

    is_taken: bool  # forward ran through, with inputs that its layers took
    certain: int  # mistakes between plain numbers, which weigh more than those that some size may fix
    mistakes: int  # all of them
    calls: int  # that were traced

    def __lt__(self, other: Score) -> bool:
        if self.is_taken != other.is_taken:
            return other.is_taken
        if self.faults != other.faults:
            return self.faults > other.faults
        return self.calls < other.calls

    @property
    def faults(self) -> tuple[int, int]:
        """The mistakes, by weight."""
        return self.certain, self.mistakes

    @property
    def is_clean(self) -> bool:
        return self.is_taken and not self.mistakes and not self.certain


@dataclass(frozen=True)
class Attempt:
    """A run, and the guesses that it was made with."""

    run: Run
    guesses: Mapping[str, Guess]

    @cached_property
    def score(self) -> Score:
        end = self.run.trace.trail.end()
        certain = sum(map(self._is_certain, self._mistakes)) + isinstance(end, Stop | Oversized)
        is_taken = self._has_ended and not any(map(self._doubts_input, self._mistakes))
        return Score(is_taken, certain, len(self._mistakes), len(self.run.trace.nodes))

    @cached_property
    def _mistakes(self) -> tuple[Requirement, ...]:
        """What other inputs may change, once for each line of code: a block that is built n times is one mistake."""
        found: dict[object, Requirement] = {}
        for requirement in self.run.trace.trail.broken():
            if not is_of_layers(self.run, requirement, past_indexing=True):
                sides = requirement.operand, requirement.actual, requirement.expected
                found.setdefault((self._place(requirement), requirement.name, *sides), requirement)
        return tuple(found.values())

    def _place(self, requirement: Requirement) -> object:
        """The line of code that asks for it, where that is known."""
        place = None if requirement.node is None else self.run.trace.nodes[requirement.node].meta["place"]
        return place or requirement.key

    def _is_certain(self, requirement: Requirement) -> bool:
        """Whether no size fixes it. A layer that asks for one batch size was reached by the wrong dim."""
        symbols = requirement.condition.free_symbols
        return not symbols or any(self.run.names.get(symbol) == BATCH for symbol in symbols)

    @property
    def _has_ended(self) -> bool:
        """Whether forward ran through, or was stopped by what no other guess would change."""
        end = self.run.trace.trail.end()
        if isinstance(end, Stop):
            return not self._is_open(end) and not self._has_stopgap
        return end is None or isinstance(end, Unread)

    @property
    def _has_stopgap(self) -> bool:
        """Whether an input is a plain value that only its name supports: torch's refusal may be due to that."""
        return any(guess.given is not None and guess.source == NAMED for guess in self.guesses.values())

    def _doubts_input(self, requirement: Requirement) -> bool:
        return requirement_kind(requirement.name).doubts_input and self._is_open(requirement)

    def _is_open(self, requirement: Requirement | Stop) -> bool:
        """Whether a requirement may be broken because of a guess, not of the model."""
        source = None if requirement.node is None else placeholder(self.run.trace.nodes[requirement.node])
        guess = self.guesses.get(source.meta["name"]) if source is not None else None
        return guess is not None and not guess.is_settled

    def is_better_than(self, other: Attempt) -> bool:
        """Where torch refuses a run, it says less of mistakes than one that came through with some."""
        came_through = other.score.is_taken and other.run.trace.trail.end() is None
        if came_through and isinstance(self.run.trace.trail.end(), Stop):
            return False
        return self.score > other.score

    def outdoes(self, begun: Attempt) -> bool:
        """Whether a run has too many mistakes by now to become better; calls count only where this one was stopped."""
        if self.run.trace.trail.end() is None:
            return self.score.is_taken and begun.score.faults >= self.score.faults
        return self.score.is_taken and begun.score.faults > self.score.faults
