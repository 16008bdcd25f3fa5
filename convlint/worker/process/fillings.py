"""What stands for a model whatever its guessed arguments are: a finding has to hold for every filling of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from convlint.facts import Way
from convlint.worker.analysis.basis import certain, fed, held_back, met_again, proved
from convlint.worker.analysis.session import TraceSession
from convlint.worker.analysis.verdict.examination import Examination
from convlint.worker.build.agreement import Sides, can_agree
from convlint.worker.build.builder import BuiltModel
from convlint.worker.trace.trail import Key, Raised
from convlint.worker.user_code.guessed import GuessedConfig


@dataclass(frozen=True)
class Examined:
    """A model that was built in one way, and what an examination says of it."""

    built: BuiltModel
    session: TraceSession
    examination: Examination
    way: Way


@dataclass(frozen=True)
class Fillings:
    """What all fillings so far agree on: the sides of each finding, and the exception that ends every run."""

    first: Examined
    sides: Mapping[Key, list[Sides]]
    raised: Raised | None

    @classmethod
    def begun(cls, first: Examined) -> Fillings:
        found = proved(first.examination, first.built)
        return cls(first, {key: [sides] for key, sides in found.items()}, certain(first.examination))

    def narrowed(self, other: Examined) -> Fillings:
        """By what another filling says."""
        examination, arguments = other.examination, other.built.construction.kwargs
        found = {**met_again(examination, self.sides), **proved(examination, other.built)}
        met = {key: [*sides, found[key]] for key, sides in self.sides.items() if key in found}
        # The fields of a configuration depend on one another in ways that are not seen here.
        has_config = any(isinstance(value, GuessedConfig) for value in arguments.values())
        still = frozenset(met) if has_config else fed(examination)
        kept = {key: sides for key, sides in met.items() if not can_agree(sides, moves=key not in still)}
        raised = self.raised if certain(examination) == self.raised else None
        return replace(self, sides=kept, raised=raised)

    @property
    def is_empty(self) -> bool:
        return not self.sides and self.raised is None

    def examination(self) -> Examination:
        """The first one, with what all agree on."""
        first = self.first.examination
        findings = tuple(finding for finding in first.findings if finding.key in self.sides)
        guess = held_back(first, findings, self.first.built)
        return replace(first, findings=findings, raised=self.raised, odd=(), guess=guess)

    def made_up(self) -> frozenset[str]:
        """The guessed arguments that no finding depends on: a number that stands still while they move."""
        stand_still = all(one == sides[0] for sides in self.sides.values() for one in sides)
        return self.first.built.construction.guessed if stand_still else frozenset()
