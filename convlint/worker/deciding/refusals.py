"""Calls that torch refuses whatever form the inputs have that nobody gave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from convlint.worker.deciding.alternatives import Inputs, growing, open_inputs, other_inputs, refused_at_once
from convlint.worker.deciding.ways import asks_for_rank
from convlint.worker.inputs.guesses import RANKS, UNCONFIRMED
from convlint.worker.run import Run, Workshop, course_of
from convlint.worker.trail import Raised, Stop, Unread


def is_refused_in_every_form(shop: Workshop, run: Run) -> bool:
    """Whether torch refuses a call behind the layers that take the inputs, and forward takes them in no other rank:
    neither one of them, nor all together."""
    end = run.trace.trail.end()
    if not isinstance(end, Stop) or end.is_misuse or run.is_on_numbers or run.trace.decisions:
        return False
    inputs = run.course.inputs
    if run.trace.trail.broken() or asks_for_rank(shop.model) or any(item.source in UNCONFIRMED for item in inputs):
        return False
    return all(_is_refused(shop, other, end) for other in _others(inputs))


def _others(inputs: Inputs) -> Iterator[Inputs]:
    yield from (other for _, other in other_inputs(inputs))
    tensors = [item for item in open_inputs(inputs) if item.spec.shape is not None]
    if len(tensors) > 1:
        for axes in RANKS.values():
            specs = {item.name: item.spec.model_copy(update={"shape": axes}) for item in tensors}
            yield tuple(replace(item, spec=specs.get(item.name, item.spec)) for item in inputs)


def _is_refused(shop: Workshop, inputs: Inputs, end: Stop) -> bool:
    *_, run = _until_refused(shop, inputs, end)
    return _is_refused_by(run, end)


def _until_refused(shop: Workshop, inputs: Inputs, end: Stop) -> Iterator[Run]:
    """Runs further and further, up to one that is refused."""
    for run in growing(course_of(inputs), shop.first):
        yield run
        if _is_refused_by(run, end):
            return


def _is_refused_by(run: Run, end: Stop) -> bool:
    other = run.trace.trail.end()
    if isinstance(other, Raised | Unread):
        return True
    return refused_at_once(run, ()) or (isinstance(other, Stop) and other.key == end.key)
