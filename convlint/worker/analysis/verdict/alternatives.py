"""Other inputs that forward may be meant for, where its own were guessed: a finding must stand for all of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

import sympy

from convlint.worker.analysis.inference.guesses import RANKS
from convlint.worker.analysis.session import Run, RunSpec, run_spec_of
from convlint.worker.analysis.solving.constants import unconditional
from convlint.worker.analysis.solving.explore import Outcome
from convlint.worker.analysis.solving.pinned import pinned
from convlint.worker.analysis.verdict.findings import Finding
from convlint.worker.trace.input import BATCH, Input
from convlint.worker.trace.origin import NAMED
from convlint.worker.trace.trail import Key, Raised, Requirement, Stop, TraceStopped, Unread, UserError

Inputs = tuple[Input, ...]
Shape = tuple[int | str, ...]
Try = Callable[[Inputs], tuple[Run, Outcome]]
"""The first run with some inputs, and what exploring says of them."""
_LIMITS = (48, 192, None)
_COUNTS = (1, 2, 3, 5, 32)


@dataclass(frozen=True)
class Alternative:
    """Other inputs, the one that differs, and what became of them."""

    owner: str
    inputs: Inputs
    run: Run
    outcome: Outcome

    @property
    def is_clean(self) -> bool:
        """Whether forward takes these inputs, and nothing is wrong with them."""
        end = self.run.trace.trail.end()
        has_run = end is None or isinstance(
            end, UserError
        )  # the user's own check may refuse the sizes of the first run
        return has_run and not self.outcome.rejected and self.outcome.accepted is not None

    def repeats(self, finding: Finding) -> bool:
        """Whether the same requirement is broken: by the same numbers, at every size, or by the batch itself."""
        if any(item.key == finding.key for item in self.outcome.rejected) or self._stops_at(finding):
            return True
        broken = [requirement for requirement in self.run.trace.trail.broken() if requirement.key == finding.key]
        same = (finding.violation.actual, finding.violation.expected)
        return any(
            _numbers(requirement) == same or self._takes_batch_for_features(requirement) for requirement in broken
        )

    def _stops_at(self, finding: Finding) -> bool:
        """Whether torch refuses the same call, with none of the sizes that were tried for it."""
        end = self.run.trace.trail.end()
        return isinstance(end, Stop) and end.key == finding.key and self.outcome.accepted is None

    def _takes_batch_for_features(self, requirement: Requirement) -> bool:
        """Whether only a batch as large as a layer is wide would fit."""
        return requirement.argument is not None and requirement.actual == self.run.symbols.get(BATCH)

    def refuses_apart_from(self, findings: Collection[Key]) -> bool:
        """Whether it is proved that forward takes no size of these inputs, with those findings fixed.

        What cannot be followed proves nothing.
        """
        end = self.run.trace.trail.end()
        if isinstance(end, Raised | Unread):
            return self.outcome.accepted is None
        if refused_at_once(self.run, findings):
            return True
        if self.run.is_on_numbers or isinstance(end, TraceStopped):
            return False
        return any(item.key not in findings for item in self.outcome.rejected)


def refused_at_once(run: Run, apart_from: Collection[Key]) -> bool:
    """Whether one run proves that no size is taken, even if it was cut short after the mistake."""
    if run.is_on_numbers or run.trace.settled or pinned(run):
        return False
    return any(requirement.key not in apart_from for requirement in unconditional(run))


def _numbers(requirement: Requirement) -> tuple[int | str | None, int | str | None]:
    actual, expected = (
        int(size) if isinstance(size, sympy.Integer) else None if isinstance(size, sympy.Basic) else size
        for size in (requirement.actual, requirement.expected)
    )
    return actual, expected


def alternatives(run: Run, attempt: Try, idle: Collection[str] = ()) -> Iterator[Alternative]:
    """Each guessed input in its other forms, one at a time; not those that are idle, which have no part in it."""
    for owner, inputs in other_inputs(run.run_spec.inputs):
        if owner not in idle:
            found = attempt(inputs)
            yield Alternative(owner, inputs, *found)


def running(run: Run, trace: Callable[[RunSpec], Run]) -> Iterator[tuple[str, Inputs]]:
    """The other inputs, one at a time, that a run comes through with; most are refused by the first calls."""
    for owner, inputs in other_inputs(run.run_spec.inputs):
        if until_broken(run_spec_of(inputs), trace).comes_through:
            yield owner, inputs


def until_broken(run_spec: RunSpec, trace: Callable[[RunSpec], Run]) -> Run:
    """A run to its end, or as far as it takes to break a requirement."""
    return next(one for one in growing(run_spec, trace) if one.trace.trail.broken() or not one.is_cut_short)


def growing(run_spec: RunSpec, trace: Callable[[RunSpec], Run]) -> Iterator[Run]:
    """A run continued further and further, the last time to its end."""
    return (trace(replace(run_spec, limit=limit)) for limit in _LIMITS)


def other_run_specs_of(run: Run) -> Iterator[RunSpec]:
    """The first courses of the same."""
    return (run_spec_of(inputs) for _, inputs in other_inputs(run.run_spec.inputs))


def open_inputs(inputs: Inputs) -> list[Input]:
    """Those of which rank or value is a guess."""
    return [item for item in inputs if _is_open(item)]


def _is_open(item: Input) -> bool:
    if item.spec.shape is not None:
        return not item.is_settled
    return item.source == NAMED and item.spec.value is not None and not isinstance(item.spec.value, bool)


def other_inputs(inputs: Inputs) -> Iterator[tuple[str, Inputs]]:
    for item in open_inputs(inputs):
        for other in _forms(item):
            yield item.name, tuple(other if one is item else one for one in inputs)


def together(inputs: Inputs) -> Iterator[Inputs]:
    """Several guessed inputs of one shape in another form at once, as the tokens and the segments of a text."""
    alike = [item for item in inputs if item.spec.shape is not None and _is_open(item)]
    if len(alike) < 2 or len({item.spec.shape for item in alike}) > 1:
        return
    for forms in zip(*map(_forms, alike), strict=True):
        other = {item.name: form for item, form in zip(alike, forms, strict=True)}
        yield tuple(other.get(item.name, item) for item in inputs)


def _forms(item: Input) -> Iterator[Input]:
    shape, value = item.spec.shape, item.spec.value
    if shape is None:
        counts = _COUNTS if isinstance(value, int) else ()
        specs = [item.spec.model_copy(update={"value": count}) for count in counts if count != value]
    else:
        last = shape[-1:] if shape and isinstance(shape[-1], int) and item.source.is_confirmed else ()
        # A join between an input and a layer may widen it in one rank only: the last dim is open as well.
        shapes = [(*axes[: len(axes) - len(last)], *last) for axes in RANKS.values()]
        shapes += RANKS.values() if last else ()
        specs = [item.spec.model_copy(update={"shape": other}) for other in shapes if not _is_renamed(other, shape)]
    yield from (replace(item, spec=spec) for spec in specs)


def _is_renamed(shape: Shape, other: Shape) -> bool:
    """Whether two shapes are one but for the letters of their symbols."""
    are_open = all(isinstance(size, str) for size in (*shape, *other))
    return shape == other or (are_open and len(shape) == len(other))
