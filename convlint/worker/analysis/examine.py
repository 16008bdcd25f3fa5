"""One model on the inputs that it is told, or on those that evidence and its layers speak for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from convlint.facts import Reason
from convlint.worker.analysis.inference.candidates import infer
from convlint.worker.analysis.inference.demands import is_near, placeholder
from convlint.worker.analysis.inference.evidence import Evidence
from convlint.worker.analysis.session import Course, Run, Workshop, course_of
from convlint.worker.analysis.solving.fixed_sizes import past_fixed_sizes
from convlint.worker.analysis.verdict.alternatives import other_courses_of
from convlint.worker.analysis.verdict.degenerate import FIXED_BATCH
from convlint.worker.analysis.verdict.examination import Examination, undecided
from convlint.worker.analysis.verdict.findings import Finding
from convlint.worker.analysis.verdict.named_sizes import none_of_the_named
from convlint.worker.analysis.verdict.raising import always_raises
from convlint.worker.analysis.verdict.verdict import at_told_sizes, judged
from convlint.worker.analysis.verdict.ways import best_variant, past_decisions
from convlint.worker.trace.input import Input
from convlint.worker.trace.trail import Halt, Refusal

MOST_BROKEN = 3
"""Requirements that a run may break for its repairs to be tried in other ways, while inputs are found out."""


def examine(
    shop: Workshop, inputs: tuple[Input, ...] | None, found: Sequence[Evidence] = (), squares: tuple[int, ...] = ()
) -> Examination:
    """Trace a model in train and eval mode and decide its requirements.

    Without `inputs` the evidence found is tried, the strongest first, and then what the layers demand.
    """
    if inputs is not None:
        return judged(shop, past_fixed_sizes(shop, shop.first(course_of(inputs))), is_found_out=False)
    settled = _by_evidence(shop, found)
    if settled is not None:
        return settled
    return _found_out(shop, [item for item in found if not item.is_strong], squares)


def _by_evidence(shop: Workshop, found: Sequence[Evidence]) -> Examination | None:
    """The verdict by what the project feeds the model: what is certain and refused comes before what is taken."""
    taken: Examination | None = None
    refused: list[tuple[bool, Examination]] = []  # with whether the evidence is certain
    for item in found:
        examination = _tried(shop, item, is_settled=taken is not None)
        if examination is None:
            continue
        if item.is_told:
            return examination
        if examination.findings:
            refused.append((item.is_certain, examination))
        else:
            taken = taken or examination
    for_certain = next((one for is_certain, one in refused if is_certain), None)
    return for_certain or taken or next((one for _, one in refused), None)


def _tried(shop: Workshop, item: Evidence, *, is_settled: bool) -> Examination | None:
    """The verdict on the inputs of some evidence; None where it is not about this model, or where the model is settled
    and runs with them as well."""
    first = _run_of(shop, item, is_settled=is_settled)
    if first is None:
        return None
    if not first.comes_through and (item.exact is None or _runs(shop, item.exact)):
        first = past_fixed_sizes(shop, first)  # of an open batch one may fit
    examination = judged(shop, first, is_found_out=item.inputs is None)
    if any(unmet.name == FIXED_BATCH for unmet in examination.odd):
        examination = _with_exact_batch(shop, item) or examination
    if examination.findings and not item.is_told and item.exact is not None and _runs(shop, item.exact):
        return replace(examination, findings=(), guess=Reason(kind="batch-of-example"))
    return examination


def _run_of(shop: Workshop, item: Evidence, *, is_settled: bool) -> Run | None:
    """A run on the inputs of some evidence, where it has something to say."""
    if not item.is_strong or (is_settled and not item.is_certain):
        return None
    first = _with(shop, item)
    if first is None or (is_settled and first.comes_through):
        return None
    return first if item.is_told or item.is_certain or _is_taken(first) else None


def _with_exact_batch(shop: Workshop, item: Evidence) -> Examination | None:
    """The verdict on a certain example, where its batch is none of those that the model takes."""
    if not item.is_certain or item.exact is None:
        return None
    examination = judged(shop, shop.first(course_of(item.exact)), is_found_out=False)
    return examination if examination.findings else None


def glance(
    shop: Workshop, inputs: tuple[Input, ...] | None, found: Sequence[Evidence] = (), squares: tuple[int, ...] = ()
) -> Examination:
    """A model that takes too long in symbols, on plain numbers.

    A run proves that its sizes work, and no more; or that those do not which the user has told.
    """
    shop = replace(shop, is_plain=True)
    reason = Reason(kind="symbolic-time-limit", remainder="sizes")
    if inputs is not None:
        first = shop.run(course_of(inputs))
        return Examination(first, undecided(first), at_told_sizes(shop, first), None, reason)
    seen = _glanced(shop, found)
    if seen is not None:
        return Examination(seen[0], undecided(seen[0]), seen[1], None, reason)
    first, doubt = infer(shop.model, lambda course: _trial(shop, course), course_of, squares=squares)
    return Examination(first, undecided(first), (), doubt, reason)


def _glanced(shop: Workshop, found: Sequence[Evidence]) -> tuple[Run, tuple[Finding, ...]] | None:
    """A run on declared or certain inputs, with what refuses them; else of the first evidence that runs."""
    taken: Run | None = None
    for item in found:
        run = None if item.inputs is None else shop.run(course_of(item.inputs))
        if run is None:
            continue
        if run.comes_through:
            taken = taken or run
        elif item.is_told or item.is_certain:
            refused = at_told_sizes(shop, run)
            if refused and (item.exact is None or not _runs(shop, item.exact)):
                return run, refused
    return None if taken is None else (taken, ())


def _with(shop: Workshop, item: Evidence) -> Run | None:
    """A run with the inputs of some evidence; what it leaves open is found out, and what its names of sizes mean."""
    if item.inputs is None:
        run, doubt = infer(shop.model, lambda course: _trial(shop, course), course_of, item.known)
        return run if doubt is None else None
    run = shop.first(course_of(item.inputs))
    if run.comes_through or not item.names_sizes:
        return run
    refined, doubt = infer(shop.model, lambda course: _trial(shop, course), course_of, item.opened(shop.model))
    return refined if doubt is None and refined.comes_through else run


def _runs(shop: Workshop, inputs: tuple[Input, ...]) -> bool:
    return shop.first(course_of(inputs)).comes_through


def _found_out(shop: Workshop, candidates: Sequence[Evidence], squares: tuple[int, ...]) -> Examination:
    """What the layers demand; a candidate counts where they do not settle it, or where it runs and they complain."""
    # A model that was built for one size of image takes it; any other may be refused far inside.
    start = dict.fromkeys(("H", "W"), squares[0]) if squares else {}
    first, doubt = infer(
        shop.model,
        lambda course: _trial(shop, course),
        lambda inputs: course_of(inputs, start),
        squares=squares,
    )
    examination = None if doubt is not None else judged(shop, first, is_found_out=True)
    if examination is not None and not examination.findings and first.trace.trail.end() is None:
        odd = None if examination.odd else none_of_the_named(shop, examination.outcome, candidates, _is_taken)
        return examination if odd is None else replace(examination, odd=(odd,))
    for item in candidates:
        run = _with(shop, item)
        if run is not None and run.comes_through:
            return replace(judged(shop, run, is_found_out=True), findings=())
    if examination is not None:
        return examination
    raised = always_raises(shop, first, is_found_out=True, alternatives=other_courses_of(first))
    return Examination(first, undecided(first), (), doubt, raised=raised)


def _trial(shop: Workshop, course: Course) -> Run:
    run = shop.run(course)
    if course.limit is not None:
        return run
    run = past_fixed_sizes(shop, past_decisions(shop, run))
    # What the user's code raises may be due to how a mistake before it was mended; many tell of the wrong inputs.
    is_close = isinstance(run.trace.trail.end(), Halt) and len(run.trace.trail.broken()) <= MOST_BROKEN
    return best_variant(shop, run) if is_close else run


def _is_taken(run: Run) -> bool:
    """Whether the first layers take inputs that were not made for them: else they belong to something else."""
    if isinstance(run.trace.trail.end(), Halt) and not any(node.op == "call_module" for node in run.trace.nodes):
        return False
    for need in run.trace.trail.broken():
        node = None if need.node is None else run.trace.nodes[need.node]
        source = None if node is None else placeholder(node)
        if node is not None and source is not None and is_near(node, source):
            return False
    return not isinstance(run.trace.trail.end(), Refusal)
