"""Inputs that forward takes in a degenerate way only: tiny images, one batch, a length that fits by chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import sympy
from torch import nn

from convlint.facts import LARGEST_SIZE, Span, Unmet
from convlint.ops.requirements import requirement_kind
from convlint.worker.analysis.session import Course, Run, Workshop
from convlint.worker.analysis.solving.accepted import SMALLEST, accepted_sizes, sizes_along
from convlint.worker.analysis.solving.dimensions import sizes_in_words
from convlint.worker.analysis.solving.domain import ACCEPTED, UNCOVERED, Domain
from convlint.worker.analysis.solving.explore import Outcome
from convlint.worker.analysis.solving.fixed_sizes import course_at
from convlint.worker.analysis.solving.search import Fates
from convlint.worker.analysis.verdict.blame import blame
from convlint.worker.analysis.verdict.counterexamples import (
    is_taken_in_another_form,
    refuses_all_but,
    takes_oblong_images,
)
from convlint.worker.analysis.verdict.real_run import NotRun, runs_for_real
from convlint.worker.stack.places import span_of
from convlint.worker.trace.input import BATCH, Input, hint
from convlint.worker.trace.trail import Need, Raised, Stop

FIXED_BATCH = "fixed_batch"
_USUAL = 64  # pixels of an image that any net for images takes
_OTHER = 5  # how much larger another batch is
_SPATIAL = ("H", "W")
_LENGTHS = ("L", "N", "S", "T")


def degenerate(shop: Workshop, outcome: Outcome) -> Iterator[Unmet]:
    """What is odd about the inputs that forward takes, at the place that leaves it no others."""
    run = outcome.first
    inputs = [item for item in run.course.inputs if item.spec.shape is not None]
    is_known = all(item.is_settled or (len(inputs) == 1 and item.source.is_confirmed) for item in inputs)
    if run.trace.trail.end() is not None or run.is_on_numbers or not is_known:
        return
    yield from _one_batch(shop, outcome)
    if outcome.accepted is None or outcome.domain is None or outcome.fates is None:
        return
    if (outcome.fates == UNCOVERED).any():
        return
    is_of_images = all(item.is_settled for item in run.course.inputs) and not _begins_with_a_code(run)
    if not (outcome.fates == ACCEPTED).any():
        if is_of_images:
            yield from _single_pixel(shop, outcome)
        return
    if is_of_images:
        yield from _images(shop, outcome, outcome.domain, outcome.fates)
    yield from _length_by_chance(shop, outcome)


def refused(shop: Workshop, outcome: Outcome, unmet: Unmet) -> Run | None:
    """A run at usual inputs, which forward does not take; None where it is the batch that is odd."""
    course = outcome.first.course
    if unmet.name == "length_by_chance" and isinstance(unmet.needed, int):
        return shop.run(course.at({str(unmet.came): unmet.needed + _OTHER}))
    if unmet.name in ("tiny_images", "never_square"):
        return shop.run(course.at({name: _USUAL for name in course.sizes if name[0] in _SPATIAL}))
    return None


def _one_batch(shop: Workshop, outcome: Outcome) -> Iterator[Unmet]:
    if any(not item.is_settled and _may_begin_with_length(outcome.first, item) for item in outcome.first.course.inputs):
        return
    batch = _fixed_batch(shop, outcome)
    if batch is None:
        return
    is_also_one = batch > 1 and _runs(shop, shop.run(_at_batch(outcome, 1)))
    if is_taken_in_another_form(shop, outcome.first, (1, batch) if is_also_one else (batch,)):
        return
    at, _ = culprit(shop, shop.run(_at_batch(outcome, batch + _OTHER)))
    words = f"1 or {batch}" if is_also_one else str(batch)
    yield Unmet(name=FIXED_BATCH, operand="forward", needed=batch, sizes=words, at=at)


def _may_begin_with_length(run: Run, item: Input) -> bool:
    """Whether the first dimension of an input is its only one, or an RNN takes it for a length."""
    if item.spec.shape is None or len(item.spec.shape) > 2:
        return False
    recurrent = (node for node in run.trace.nodes if isinstance(node.meta.get("layer"), nn.RNNBase))
    return len(item.spec.shape) == 1 or any(len(meta.shape) == 2 for node in recurrent for meta in node.meta["inputs"])


def _runs(shop: Workshop, run: Run) -> bool:
    """Whether a run comes through, as far as real tensors can say on these as well."""
    try:
        return run.comes_through and runs_for_real(shop, run)
    except NotRun:
        return run.comes_through


def _images(shop: Workshop, outcome: Outcome, domain: Domain, fates: Fates) -> Iterator[Unmet]:
    spatial = [(i, axis) for i, axis in enumerate(domain.axes) if str(axis.symbols[0])[0] in _SPATIAL]
    if not spatial:
        return
    taken = {str(axis.symbols[0]): sizes_along(domain, fates, i) for i, axis in spatial}
    usual = {str(symbol): _USUAL for _, axis in spatial for symbol in axis.symbols}
    if all(sizes and max(sizes) < SMALLEST for sizes in taken.values()):
        if takes_oblong_images(shop, outcome, SMALLEST):
            return
        words = ", ".join(
            f"{' = '.join(map(str, axis.symbols))} {sizes_in_words(taken[str(axis.symbols[0])], LARGEST_SIZE)}"
            for _, axis in spatial
        )
        at, layer = culprit(shop, shop.run(outcome.first.course.at(usual)))
        yield Unmet(name="tiny_images", operand="forward", sizes=words, at=at, layer=layer)
    elif len(spatial) > 1 and len({name[1:] for name in taken}) == 1 and not _has_depth(outcome):
        yield from _never_square(shop, outcome, usual)  # square sizes were looked at before


def _never_square(shop: Workshop, outcome: Outcome, usual: Mapping[str, int]) -> Iterator[Unmet]:
    run = shop.run(outcome.first.course.at(usual))
    if _counts_the_batch(run):
        return  # another batch may be meant
    at, layer = culprit(shop, run)
    yield Unmet(name="never_square", operand="forward", sizes="H and W that differ", at=at, layer=layer)


def _has_depth(outcome: Outcome) -> bool:
    """Whether there are volumes, of which a square slice says nothing."""
    return any(name[0] == "D" for name in outcome.first.course.sizes)


def _counts_the_batch(run: Run) -> bool:
    """Whether what refuses a run speaks of its batch too."""
    batch = run.symbols.get(BATCH)
    return batch is not None and any(batch in need.condition.free_symbols for need in run.trace.trail.broken()[:1])


def _begins_with_a_code(run: Run) -> bool:
    """Whether the first layer is one that makes images larger: generators take codes, which are tiny images."""
    layers = (node.meta.get("layer") for node in run.trace.nodes)
    return bool(getattr(next((one for one in layers if one is not None), None), "transposed", False))


def _single_pixel(shop: Workshop, outcome: Outcome) -> Iterator[Unmet]:
    """Images of one pixel, which lie beyond the sizes that are looked at."""
    accepted = outcome.accepted or {}
    spatial = [name for name in accepted if name[0] in _SPATIAL]
    if spatial and all(accepted[name] == 1 for name in spatial):
        usual = shop.run(outcome.first.course.at(dict.fromkeys(spatial, _USUAL)))
        broken = usual.trace.trail.broken()
        if any(requirement_kind(need.name).is_of_two_sides for need in broken):  # a head takes pooled maps
            at, layer = culprit(shop, usual)
            yield Unmet(name="tiny_images", operand="forward", sizes=f"{' = '.join(spatial)} = 1", at=at, layer=layer)


def _length_by_chance(shop: Workshop, outcome: Outcome) -> Iterator[Unmet]:
    """A length that must be the width of the very tensor that has it, which no code says."""
    for name, sizes in accepted_sizes(outcome).items():
        if name[0] not in _LENGTHS or len(sizes) != 1:
            continue
        other = shop.run(outcome.first.course.at({name: sizes[0] + _OTHER}))
        for need in other.trace.trail.broken()[:1]:
            if _is_width(other, need, name, sizes[0]) and not is_taken_in_another_form(shop, outcome.first):
                at = blame(need, other, shop.model, shop.sites, shop.is_user).at or _place(other, need.node)
                words = f"{name} in {{{sizes[0]}}}"
                yield Unmet(name="length_by_chance", operand="forward", needed=sizes[0], came=name, sizes=words, at=at)


def _is_width(run: Run, need: Need, name: str, size: int) -> bool:
    symbol = run.symbols.get(name)
    if symbol is None or need.node is None or {str(need.came), str(need.needed)} != {str(symbol), str(size)}:
        return False
    node = run.trace.nodes[need.node]
    return any(
        len(meta.shape) > 2 and symbol in meta.formulas and meta.formulas[-1] == sympy.Integer(size)
        for meta in node.meta["inputs"]
    )


def _fixed_batch(shop: Workshop, outcome: Outcome) -> int | None:
    """The only batch that forward takes, where no other one works."""
    course = outcome.first.course
    if BATCH not in course.sizes or (outcome.accepted is None and not outcome.first.comes_through):
        return None
    accepted = outcome.accepted or {}
    if any(size == 1 for name, size in accepted.items() if name != BATCH):
        return None  # as likely the batch is 1, and the other size what this one is
    size = accepted.get(BATCH, course.sizes[BATCH])
    known = accepted_sizes(outcome).get(BATCH) if size != 1 else None
    if known is not None:
        return known[0] if len(known) == 1 else None
    if size == hint(BATCH):  # nothing asked for another one
        return None
    others = dict.fromkeys((size + _OTHER, max(2, 2 * size), hint(BATCH)))
    return size if all(refuses_all_but(shop, shop.run(_at_batch(outcome, other)), size) for other in others) else None


def _at_batch(outcome: Outcome, batch: int) -> Course:
    """The course of the accepted sizes, with another batch."""
    course = course_at(outcome.first.course, {**(outcome.accepted or {}), BATCH: batch})
    return course if batch == 1 else replace(course, fixed=course.fixed - {BATCH})


def culprit(shop: Workshop, run: Run) -> tuple[Span | None, str | None]:
    """The place in the code, and the layer, that refuses another size first."""
    for event in run.trace.trail.events:
        if isinstance(event, Need) and not event.holds:
            found = blame(event, run, shop.model, shop.sites, shop.is_user)
            return found.at or _place(run, event.node), found.layer
        if isinstance(event, Stop):
            return _place(run, event.node), None
        if isinstance(event, Raised):
            return event.at, None
    return None, None


def _place(run: Run, node: int | None) -> Span | None:
    place = run.trace.nodes[node].meta["place"] if node is not None else None
    return span_of(place) if place is not None else None
