"""Inputs that disprove what a run suggests of the only sizes that forward takes."""

from __future__ import annotations

from collections.abc import Collection

from convlint.facts import LARGEST_SIZE
from convlint.worker.deciding.accepted import sizes_along
from convlint.worker.deciding.alternatives import other_inputs
from convlint.worker.deciding.domain import UNCOVERED
from convlint.worker.deciding.explore import Outcome, explore
from convlint.worker.deciding.fixed_sizes import past_fixed_sizes, sizes_that_run
from convlint.worker.deciding.search import Search, cover, domains
from convlint.worker.deciding.ways import past_decisions
from convlint.worker.inputs.input import BATCH
from convlint.worker.run import Run, Workshop, course_of
from convlint.worker.trail import Stop


def refuses_all_but(run: Run, batch: int) -> bool:
    """Whether a run was refused, and not only cut short, and its refused call takes no batch but this one and 1."""
    trail = run.trace.trail
    end = trail.end()
    if trail.broken():  # of a batch and a length together nothing is said
        return len(trail.broken()[0].condition.free_symbols - {run.symbols.get(BATCH)}) == 0
    if not isinstance(end, Stop) or end.call is None:
        return isinstance(end, Stop)
    return all(sizes.get(BATCH, batch) in (1, batch) for sizes in sizes_that_run(run, end.call))


def is_taken_in_another_form(shop: Workshop, run: Run, batches: Collection[int] = ()) -> bool:
    """Whether an input of a guessed rank may have another one, with a batch that is none of these."""
    for _, inputs in other_inputs(run.course.inputs):
        first = past_fixed_sizes(shop, past_decisions(shop, shop.first(course_of(inputs))))
        if first.trace.trail.end() is not None:
            continue
        outcome = explore(first, shop.run)
        sizes = {**first.course.sizes, **(outcome.accepted or {})}
        if outcome.accepted is not None and not outcome.rejected and sizes.get(BATCH) not in batches:
            return True
    return False


def takes_oblong_images(shop: Workshop, outcome: Outcome, smallest: int) -> bool:
    """Whether images of at least so many pixels on one side may be taken that are not square."""
    assert outcome.domain is not None
    axes = outcome.domain.axes
    names = tuple(str(symbol) for axis in axes for symbol in axis.symbols)
    if all(len(axis.symbols) == 1 for axis in axes):
        return False  # they were looked at
    search = Search(shop.run, outcome.first, names)
    search.add(outcome.first)
    _, is_complete, domain, fate = cover(search, domains(search)[-1], frozenset())
    if not is_complete or (fate == UNCOVERED).any():
        return True
    spatial = (i for i, axis in enumerate(domain.axes) if str(axis.symbols[0])[0] in "HW")
    return any(smallest <= size <= LARGEST_SIZE for i in spatial for size in sizes_along(domain, fate, i))
