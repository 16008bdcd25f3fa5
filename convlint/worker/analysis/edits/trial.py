"""One edit tried: the files executed with it, the model built and traced again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import sympy

from convlint.facts import Change
from convlint.worker.analysis.edits.case import Candidate, EditCase
from convlint.worker.analysis.edits.rebuild import Recipe, name_of_edition
from convlint.worker.analysis.edits.text import EditedText, edited
from convlint.worker.analysis.session import Run, TraceSession
from convlint.worker.analysis.solving.explore import explore
from convlint.worker.stack.places import span_of
from convlint.worker.trace.trail import Key, Raised, Requirement, Stop, TraceStopped, UserError
from convlint.worker.user_code.source import text_of

MOST_TRIES = 40
"""Edits that are tried on one model."""
MOST_CALLS = 60_000
"""Calls of forward, and layers built, in all of them together."""
MOST_PATHS = 8
"""Runs at other sizes, to see whether an edit brings a new mistake."""


@dataclass
class EditBudget:
    """What the search for one model has taken so far, counted in work."""

    tries: int = 0
    calls: int = 0

    @property
    def is_spent(self) -> bool:
        return self.tries >= MOST_TRIES or self.calls >= MOST_CALLS


@dataclass(frozen=True)
class Result:
    """What an edit that meets the requirement leaves broken."""

    broken: frozenset[Key]
    is_whole: bool


@dataclass(frozen=True)
class Trials:
    """Edits are tried at the sizes of one run of the model as it is."""

    recipe: Recipe
    run: Run
    broken: Sequence[Requirement]
    budget: EditBudget
    is_plain: bool = False

    def of(self, candidate: Candidate, case: EditCase, reported: Collection[Key]) -> Result | None:
        """What is left with the edit; None where the mistake stays, or another one comes."""
        texts = _texts(candidate.changes)
        if texts is None or self.budget.is_spent:
            return None
        self.budget.tries += 1
        try:
            with self.recipe.rebuilt({path: one.text for path, one in texts.items()}) as session:
                return self._judged(replace(session, is_plain=self.is_plain), texts, case, reported)
        except (Exception, SystemExit):
            return None  # the edited code raises where the model is built

    def _judged(
        self, session: TraceSession, texts: Mapping[str, EditedText], case: EditCase, reported: Collection[Key]
    ) -> Result | None:
        run = session.first(replace(self.run.run_spec, choices=()))
        self.budget.calls += len(run.trace.nodes) + sum(1 for _ in session.model.modules())
        broken = {_key_before(requirement, run, texts): requirement for requirement in run.trace.trail.broken()}
        known = {requirement.key for requirement in self.broken}
        if not case.targets.isdisjoint(broken) or self._ends_worse(run, case):
            return None
        if any(key not in known and not _is_open(requirement) for key, requirement in broken.items()):
            return None
        outcome = explore(run, session.run, min(MOST_PATHS, run.affordable(MOST_PATHS)))
        rejected = {
            _key_before(one, run, texts) if isinstance(one, Requirement) else one.key for one in outcome.rejected
        }
        if not rejected <= known - case.targets:
            return None
        return Result(frozenset(broken), run.trace.trail.end() is None and broken.keys() <= set(reported))

    def _ends_worse(self, run: Run, case: EditCase) -> bool:
        """Whether forward stops where it did not stop before, or still does so for the reason that was to go."""
        end, before = run.trace.trail.end(), self.run.trace.trail.end()
        if end is None:
            return False
        if isinstance(end, Stop):
            return not isinstance(before, Stop) or case.requirement is before or end.key != before.key
        if not isinstance(before, TraceStopped) or isinstance(end, UserError):
            return True
        return _cause(end) != _cause(before) or len(run.trace.nodes) < len(self.run.trace.nodes)


def _cause(end: TraceStopped) -> tuple[str, str | None, str | None]:
    """What ended a trace, whatever torch or the user's code says of it."""
    return end.reason.kind, end.reason.name, end.kind if isinstance(end, Raised) else None


def _is_open(requirement: Requirement) -> bool:
    """Whether some size of the input may meet a requirement that is broken at the sizes of this run."""
    return requirement.condition is not sympy.false and bool(requirement.condition.free_symbols)


def _texts(changes: Iterable[Change]) -> dict[str, EditedText] | None:
    """The edited files by their path; None where a file cannot be read, or its changes overlap."""
    by_file: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        by_file[change.at.filename].append(change)
    found: dict[str, EditedText] = {}
    for filename, chosen in by_file.items():
        made = edited(text_of(filename), chosen)
        if made is None:
            return None
        found[filename] = made
    return found


def _key_before(requirement: Requirement, run: Run, texts: Mapping[str, EditedText]) -> Key:
    """The key of a requirement as the run without the edit names it: a call may stand elsewhere in its line now."""
    where, name, operand = requirement.key
    place = run.trace.nodes[requirement.node].meta["place"] if requirement.node is not None else None
    span = span_of(place) if place is not None else None
    made = texts.get(name_of_edition(span.filename)) if span is not None else None
    if span is None or made is None or not where.endswith(f"@{span.row}:{span.column}"):
        return requirement.key
    row, column = made.position_before(span.row, span.column)
    return f"{where.rpartition('@')[0]}@{row}:{column}", name, operand
