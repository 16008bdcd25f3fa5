"""Inputs that forward takes in a degenerate way only: tiny images, one batch, a length that fits by chance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import sympy
from torch import nn

from convlint.facts import LARGEST_SIZE, Span, Violation
from convlint.ops.requirements import requirement_kind
from convlint.worker.analysis.session import Run, RunSpec, TraceSession
from convlint.worker.analysis.solving.accepted import SMALLEST, accepted_sizes, sizes_along
from convlint.worker.analysis.solving.dimensions import sizes_in_words
from convlint.worker.analysis.solving.domain import ACCEPTED, UNCOVERED, Domain
from convlint.worker.analysis.solving.explore import Outcome
from convlint.worker.analysis.solving.fixed_sizes import run_spec_at
from convlint.worker.analysis.solving.search import Fates
from convlint.worker.analysis.verdict.alternatives import until_broken
from convlint.worker.analysis.verdict.blame import blame
from convlint.worker.analysis.verdict.counterexamples import (
    is_taken_in_another_form,
    refuses_all_but,
    takes_oblong_images,
)
from convlint.worker.analysis.verdict.real_run import NotRun, runs_for_real
from convlint.worker.analysis.verdict.turned import NAME as TURNED
from convlint.worker.analysis.verdict.turned import other_length, turned_by_chance
from convlint.worker.stack.places import span_of
from convlint.worker.trace.input import BATCH, Input, hint
from convlint.worker.trace.trail import Raised, Requirement, Stop

FIXED_BATCH = "fixed_batch"
_USUAL = 64  # pixels of an image that any net for images takes
_OTHER = 5  # how much larger another batch is
_SPATIAL = ("H", "W")
_LENGTHS = ("L", "N", "S", "T")


def degenerate(session: TraceSession, outcome: Outcome) -> Iterator[Violation]:
    """What is odd about the inputs that forward takes, at the place that leaves it no others."""
    run = outcome.first
    if run.trace.trail.end() is not None or run.is_on_numbers or not _has_known_inputs(run):
        return
    yield from _one_batch(session, outcome)
    yield from turned_by_chance(session, outcome)
    if outcome.accepted is not None and outcome.domain is not None and outcome.fates is not None:
        yield from _few_sizes(session, outcome, outcome.domain, outcome.fates)


def _has_known_inputs(run: Run) -> bool:
    """Whether the ranks of all tensors are certain, or a layer took them."""
    tensors = [item for item in run.run_spec.inputs if item.spec.shape is not None]
    return all(item.is_settled or item.source.is_confirmed for item in tensors)


def _few_sizes(session: TraceSession, outcome: Outcome, domain: Domain, fates: Fates) -> Iterator[Violation]:
    """What is odd about the sizes that forward takes, where each size of the domain was decided."""
    if (fates == UNCOVERED).any():
        return
    run = outcome.first
    takes_none = not (fates == ACCEPTED).any()
    if all(item.is_settled for item in run.run_spec.inputs) and not _begins_with_a_code(run):
        images = _single_pixel(session, outcome) if takes_none else _images(session, outcome, domain, fates)
        yield from images
    if not takes_none:
        yield from _length_by_chance(session, outcome)


def refused(session: TraceSession, outcome: Outcome, violation: Violation) -> Run | None:
    """A run at usual inputs, which forward does not take; None where it is the batch that is odd."""
    run_spec = outcome.first.run_spec
    if violation.name == TURNED and isinstance(violation.expected, int):
        return other_length(session, outcome, str(violation.actual), violation.expected)
    if violation.name == "length_by_chance" and isinstance(violation.expected, int):
        return session.run(run_spec.at({str(violation.actual): violation.expected + _OTHER}))
    if violation.name in ("tiny_images", "never_square"):
        return session.run(run_spec.at({name: _USUAL for name in run_spec.sizes if name[0] in _SPATIAL}))
    return None


def _one_batch(session: TraceSession, outcome: Outcome) -> Iterator[Violation]:
    if any(
        not item.is_settled and _may_begin_with_length(outcome.first, item) for item in outcome.first.run_spec.inputs
    ):
        return
    batch = _fixed_batch(session, outcome)
    if batch is None:
        return
    is_also_one = batch > 1 and _runs(session, session.run(_at_batch(outcome, 1)))
    if is_taken_in_another_form(session, outcome.first, (1, batch) if is_also_one else (batch,)):
        return
    at, _ = culprit(session, until_broken(_at_batch(outcome, batch + _OTHER), session.run))
    words = f"1 or {batch}" if is_also_one else str(batch)
    yield Violation(name=FIXED_BATCH, operand="forward", expected=batch, sizes=words, at=at)


def _may_begin_with_length(run: Run, item: Input) -> bool:
    """Whether the first dimension of an input is its only one, or an RNN takes it for a length."""
    if item.spec.shape is None or len(item.spec.shape) > 2:
        return False
    recurrent = (node for node in run.trace.nodes if isinstance(node.meta.get("layer"), nn.RNNBase))
    return len(item.spec.shape) == 1 or any(len(meta.shape) == 2 for node in recurrent for meta in node.meta["inputs"])


def _runs(session: TraceSession, run: Run) -> bool:
    """Whether a run comes through, as far as real tensors can say on these as well."""
    try:
        return run.comes_through and runs_for_real(session, run)
    except NotRun:
        return run.comes_through


def _images(session: TraceSession, outcome: Outcome, domain: Domain, fates: Fates) -> Iterator[Violation]:
    spatial = {
        str(axis.symbols[0]): (i, axis) for i, axis in enumerate(domain.axes) if str(axis.symbols[0])[0] in _SPATIAL
    }
    if not spatial:
        return
    taken = {name: sizes_along(domain, fates, i) for name, (i, _) in spatial.items()}
    usual = {str(symbol): _USUAL for _, axis in spatial.values() for symbol in axis.symbols}
    if all(sizes and max(sizes) < SMALLEST for sizes in taken.values()):
        joined = {" = ".join(map(str, axis.symbols)): taken[name] for name, (_, axis) in spatial.items()}
        yield from _tiny(session, outcome, joined, usual)
    elif _is_one_image(taken) and not _has_depth(outcome):
        yield from _never_square(session, outcome, usual)  # square sizes were looked at before


def _is_one_image(names: Iterable[str]) -> bool:
    """Whether these are the height and the width of one input: `H2` and `W2`."""
    kinds, inputs = {name[0] for name in names}, {name[1:] for name in names}
    return len(kinds) > 1 and len(inputs) == 1


def _tiny(
    session: TraceSession, outcome: Outcome, taken: Mapping[str, list[int]], usual: Mapping[str, int]
) -> Iterator[Violation]:
    if takes_oblong_images(session, outcome, SMALLEST):
        return
    words = ", ".join(f"{name} {sizes_in_words(sizes, LARGEST_SIZE)}" for name, sizes in taken.items())
    at, layer = culprit(session, session.run(outcome.first.run_spec.at(usual)))
    yield Violation(name="tiny_images", operand="forward", sizes=words, at=at, layer=layer)


def _never_square(session: TraceSession, outcome: Outcome, usual: Mapping[str, int]) -> Iterator[Violation]:
    run = session.run(outcome.first.run_spec.at(usual))
    if _counts_the_batch(run):
        return  # another batch may be meant
    at, layer = culprit(session, run)
    yield Violation(name="never_square", operand="forward", sizes="H and W that differ", at=at, layer=layer)


def _has_depth(outcome: Outcome) -> bool:
    """Whether there are volumes, of which a square slice says nothing."""
    return any(name[0] == "D" for name in outcome.first.run_spec.sizes)


def _counts_the_batch(run: Run) -> bool:
    """Whether what refuses a run speaks of its batch too."""
    batch = run.symbols.get(BATCH)
    return batch is not None and any(
        batch in requirement.condition.free_symbols for requirement in run.trace.trail.broken()[:1]
    )


def _begins_with_a_code(run: Run) -> bool:
    """Whether the first layer is one that makes images larger: generators take codes, which are tiny images."""
    layers = (node.meta.get("layer") for node in run.trace.nodes)
    return bool(getattr(next((one for one in layers if one is not None), None), "transposed", False))


def _single_pixel(session: TraceSession, outcome: Outcome) -> Iterator[Violation]:
    """Images of one pixel, which lie beyond the sizes that are looked at."""
    accepted = outcome.accepted or {}
    spatial = [name for name in accepted if name[0] in _SPATIAL]
    if spatial and all(accepted[name] == 1 for name in spatial):
        usual = session.run(outcome.first.run_spec.at(dict.fromkeys(spatial, _USUAL)))
        broken = usual.trace.trail.broken()
        if any(
            requirement_kind(requirement.name).is_of_two_sides for requirement in broken
        ):  # a head takes pooled maps
            at, layer = culprit(session, usual)
            yield Violation(
                name="tiny_images", operand="forward", sizes=f"{' = '.join(spatial)} = 1", at=at, layer=layer
            )


def _length_by_chance(session: TraceSession, outcome: Outcome) -> Iterator[Violation]:
    """A length that must be the width of the very tensor that has it, which no code says."""
    for name, sizes in accepted_sizes(outcome).items():
        if name[0] not in _LENGTHS or len(sizes) != 1:
            continue
        other = session.run(outcome.first.run_spec.at({name: sizes[0] + _OTHER}))
        for requirement in other.trace.trail.broken()[:1]:
            if _is_width(other, requirement, name, sizes[0]) and not is_taken_in_another_form(session, outcome.first):
                at = blame(requirement, other, session.model, session.sites, session.is_user).at or _place(
                    other, requirement.node
                )
                words = f"{name} in {{{sizes[0]}}}"
                yield Violation(
                    name="length_by_chance", operand="forward", expected=sizes[0], actual=name, sizes=words, at=at
                )


def _is_width(run: Run, requirement: Requirement, name: str, size: int) -> bool:
    symbol = run.symbols.get(name)
    if (
        symbol is None
        or requirement.node is None
        or {str(requirement.actual), str(requirement.expected)} != {str(symbol), str(size)}
    ):
        return False
    node = run.trace.nodes[requirement.node]
    return any(
        len(meta.shape) > 2 and symbol in meta.formulas and meta.formulas[-1] == sympy.Integer(size)
        for meta in node.meta["inputs"]
    )


def _fixed_batch(session: TraceSession, outcome: Outcome) -> int | None:
    """The only batch that forward takes, where no other one works."""
    run_spec = outcome.first.run_spec
    if BATCH not in run_spec.sizes or (outcome.accepted is None and not outcome.first.comes_through):
        return None
    accepted = outcome.accepted or {}
    if any(size == 1 for name, size in accepted.items() if name != BATCH):
        return None  # as likely the batch is 1, and the other size what this one is
    size = accepted.get(BATCH, run_spec.sizes[BATCH])
    known = accepted_sizes(outcome).get(BATCH) if size != 1 else None
    if known is not None:
        return known[0] if len(known) == 1 else None
    if size == hint(BATCH):  # nothing asked for another one
        return None
    others = dict.fromkeys((size + _OTHER, max(2, 2 * size), hint(BATCH)))
    return (
        size
        if all(refuses_all_but(session, until_broken(_at_batch(outcome, other), session.run), size) for other in others)
        else None
    )


def _at_batch(outcome: Outcome, batch: int) -> RunSpec:
    """The run at the accepted sizes, with another batch."""
    run_spec = run_spec_at(outcome.first.run_spec, {**(outcome.accepted or {}), BATCH: batch})
    return run_spec if batch == 1 else replace(run_spec, fixed=run_spec.fixed - {BATCH})


def culprit(session: TraceSession, run: Run) -> tuple[Span | None, str | None]:
    """The place in the code, and the layer, that refuses another size first."""
    for event in run.trace.trail.events:
        if isinstance(event, Requirement) and not event.holds:
            found = blame(event, run, session.model, session.sites, session.is_user)
            return found.at or _place(run, event.node), found.layer
        if isinstance(event, Stop):
            return _place(run, event.node), None
        if isinstance(event, Raised):
            return event.at, None
    return None, None


def _place(run: Run, node: int | None) -> Span | None:
    place = run.trace.nodes[node].meta["place"] if node is not None else None
    return span_of(place) if place is not None else None
