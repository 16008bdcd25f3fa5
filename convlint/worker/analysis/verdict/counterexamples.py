"""Inputs that disprove what a run suggests of the only sizes that forward takes."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from convlint.facts import LARGEST_SIZE
from convlint.worker.analysis.session import Run, TraceSession, run_spec_of
from convlint.worker.analysis.solving.accepted import sizes_along
from convlint.worker.analysis.solving.domain import UNCOVERED
from convlint.worker.analysis.solving.explore import Outcome, explore
from convlint.worker.analysis.solving.fixed_sizes import past_fixed_sizes, sizes_that_run
from convlint.worker.analysis.solving.search import Search, cover, domains
from convlint.worker.analysis.verdict.alternatives import other_inputs, refused_at_once, together, until_broken
from convlint.worker.analysis.verdict.real_run import NotRun, raises_at
from convlint.worker.analysis.verdict.ways import past_decisions
from convlint.worker.trace.input import BATCH, Input
from convlint.worker.trace.trail import Raised, Stop, UserError
from convlint.worker.trace.work import WorkBudget, WorkSpent, limited

_SMALLER = {"D": 4, "H": 5, "W": 7}
"""Sizes for the dims of an input of another rank, where a refused call is tried again on real tensors."""
_MOST_STEPS = 8000
"""Of work, to try inputs of other ranks."""


def refuses_all_but(session: TraceSession, run: Run, batch: int) -> bool:
    """Whether a run was refused, and not only cut short, and its refused call takes no batch but this one and 1."""
    trail = run.trace.trail
    end = trail.end()
    if trail.broken():  # of a batch and a length together nothing is said
        return len(trail.broken()[0].condition.free_symbols - {run.symbols.get(BATCH)}) == 0
    if isinstance(end, Raised):
        return not isinstance(end, UserError) and _is_raised(session, run, end)
    if not isinstance(end, Stop) or end.call is None:
        return isinstance(end, Stop)
    return all(sizes.get(BATCH, batch) in (1, batch) for sizes in sizes_that_run(run, end.call))


def _is_raised(session: TraceSession, run: Run, end: Raised) -> bool:
    try:
        return raises_at(session, run, end)
    except NotRun:
        return False


def is_taken_in_another_form(session: TraceSession, run: Run, batches: Collection[int] = ()) -> bool:
    """Whether an input of a guessed rank may have another one, with a batch that is none of these.

    So it may where that takes more work to find out than it is worth.
    """
    budget = WorkBudget(_MOST_STEPS)
    try:
        with limited(budget):
            return _is_taken(session, run, batches)
    except WorkSpent as spent:
        if spent.budget is not budget:
            raise
        return True


def _is_taken(session: TraceSession, run: Run, batches: Collection[int]) -> bool:
    for inputs in _other_ranks(run):
        if refused_at_once(until_broken(run_spec_of(inputs, _SMALLER), session.run), ()):
            continue
        first = past_fixed_sizes(session, past_decisions(session, session.first(run_spec_of(inputs, _SMALLER))))
        if first.trace.trail.end() is not None:
            continue
        outcome = explore(first, session.run)
        sizes = {**first.run_spec.sizes, **(outcome.accepted or {})}
        if outcome.accepted is not None and not outcome.rejected and sizes.get(BATCH) not in batches:
            return True
    return False


def _other_ranks(run: Run) -> Iterator[tuple[Input, ...]]:
    """The inputs in other forms, one at a time and together."""
    yield from (inputs for _, inputs in other_inputs(run.run_spec.inputs))
    yield from together(run.run_spec.inputs)


def takes_oblong_images(session: TraceSession, outcome: Outcome, smallest: int) -> bool:
    """Whether images of at least so many pixels on one side may be taken that are not square."""
    assert outcome.domain is not None
    axes = outcome.domain.axes
    names = tuple(str(symbol) for axis in axes for symbol in axis.symbols)
    if all(len(axis.symbols) == 1 for axis in axes):
        return False  # they were looked at
    search = Search(session.run, outcome.first, names)
    search.add(outcome.first)
    _, is_complete, domain, fate = cover(search, domains(search)[-1], frozenset())
    if not is_complete or (fate == UNCOVERED).any():
        return True
    spatial = (i for i, axis in enumerate(domain.axes) if str(axis.symbols[0])[0] in "HW")
    return any(smallest <= size <= LARGEST_SIZE for i in spatial for size in sizes_along(domain, fate, i))
