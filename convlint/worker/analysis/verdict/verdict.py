"""The verdict on one set of inputs: every run that forward may make with them, and what stands in all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from convlint.facts import Reason, Unmet
from convlint.worker.analysis.layers import holds_nothing
from convlint.worker.analysis.session import Run, Workshop
from convlint.worker.analysis.solving.constants import is_of_layers, unconditional
from convlint.worker.analysis.solving.dependence import is_apart_from_sizes
from convlint.worker.analysis.solving.explore import Outcome
from convlint.worker.analysis.solving.fixed_sizes import course_at, is_about_strides
from convlint.worker.analysis.solving.pinned import pinned
from convlint.worker.analysis.verdict.alternatives import Alternative, open_inputs
from convlint.worker.analysis.verdict.attempts import outcome_of
from convlint.worker.analysis.verdict.degenerate import degenerate
from convlint.worker.analysis.verdict.doubts import Case, doubts, weight
from convlint.worker.analysis.verdict.examination import Examination, Unfinished, undecided
from convlint.worker.analysis.verdict.findings import Finding, finding, has_known_sizes, in_symbols
from convlint.worker.analysis.verdict.joined_batch import joined_batches
from convlint.worker.analysis.verdict.mistakes import without_follow_ups
from convlint.worker.analysis.verdict.raising import always_raises
from convlint.worker.analysis.verdict.returning import without_result
from convlint.worker.analysis.verdict.ways import asks_for_rank, other_courses, past_decisions
from convlint.worker.trace.input import BATCH
from convlint.worker.trace.trail import Halt, Key, Need, Objection, Refusal, Stop, Unread
from convlint.worker.trace.work import WorkSpent, unlimited

_MORE = 5
"""How much larger the second of two batches is, so that neither is by chance another size of the model."""


def judged(shop: Workshop, first: Run, *, is_found_out: bool) -> Examination:
    """The verdict on inputs that the first layers take; none where forward runs on plain numbers only."""
    first = _with_single_example(shop, first)
    shop.judging.append(first)
    if first.is_on_numbers:
        reason = Reason(kind="numbers-only")
        return Examination(past_decisions(shop, first), undecided(first), (), None, reason)
    if holds_nothing(shop.model):
        reason = Reason(kind="holds-no-layers")
        return Examination(first, undecided(first), (), reason)
    return _decided(shop, first, is_found_out=is_found_out)


def _with_single_example(shop: Workshop, first: Run) -> Run:
    """The run of a batch of 1 where no other comes through: `squeeze` may take it away, or a layer ask for it."""
    end = first.trace.trail.end()
    if BATCH not in first.symbols or end is None or (any(unconditional(first)) and not isinstance(end, Unread)):
        return first
    if isinstance(end, Stop) and end.call is not None and is_about_strides(first, end.call):
        return first  # a batch of 1 has hardly any strides
    single = shop.run(course_at(first.course, {BATCH: 1}))
    if single.trace.trail.end() is not None or any(unconditional(single)):
        return first
    outcome = outcome_of(shop, single)
    return single if outcome.accepted is not None and not outcome.rejected else first


def at_told_sizes(shop: Workshop, first: Run) -> tuple[Finding, ...]:
    """What breaks on plain numbers whatever the batch is, where it alone is open: the same at two batches and at 1."""
    sizes = first.course.sizes
    if sizes.keys() - {BATCH} or first.trace.decisions:
        return ()
    found = _examine_course(shop, first).findings
    if not found or BATCH not in sizes:
        return found
    other = _examine_course(shop, shop.run(first.course.at({BATCH: sizes[BATCH] + _MORE}))).findings
    same = {(one.key, one.unmet.came, one.unmet.needed) for one in other if one.unmet.needed is not None}
    if shop.run(first.course.at({BATCH: 1})).comes_through:
        return ()
    return tuple(one for one in found if (one.key, one.unmet.came, one.unmet.needed) in same)


def of_code(shop: Workshop, first: Run, *, is_told: bool) -> tuple[Finding, ...]:
    """What is wrong whatever the sizes are, by one run; where the inputs were guessed, only between two layers."""
    if first.trace.settled or first.course.fixed:
        return ()
    is_certain, is_one = is_told and not pinned(first), is_told or not asks_for_rank(shop.model)
    every = {need.key for need in unconditional(first)} if is_certain else frozenset[Key]()
    needs = [
        need
        for need in unconditional(first, past_repairs=True)
        if need.key in every or (is_one and is_of_layers(first, need))
    ]
    outcome = undecided(first)
    return tuple(finding(shop, outcome, first, need, None) for need in without_follow_ups(needs, first))


def _decided(shop: Workshop, first: Run, *, is_found_out: bool) -> Examination:
    """All runs of a model on inputs that its first layers take."""
    main = _examine_course(shop, first)
    try:
        return _agreed(shop, main, is_found_out=is_found_out)
    except WorkSpent as spent:
        proved = _proved(shop, main, is_found_out=is_found_out)
        if not proved:
            raise
        raise Unfinished(spent.budget, replace(main, findings=proved)) from spent


def _proved(shop: Workshop, main: Examination, *, is_found_out: bool) -> tuple[Finding, ...]:
    """What the first course alone proves: it hangs on no branch on data, and on nothing that was guessed."""
    if main.run.trace.settled or (is_found_out and open_inputs(main.run.course.inputs)):
        return ()
    return tuple(
        found
        for found in main.findings
        if not (is_found_out and (found.is_misuse or found.is_about_batch))
        and not (shop.cast is not None and found.key[1] == "mixed_dtype")
    )


def _agreed(shop: Workshop, main: Examination, *, is_found_out: bool) -> Examination:
    """What stands on all ways, and with all other inputs that were as likely."""
    findings, unseen = _on_all_ways(shop, main)
    found = doubts(Case(shop, main, findings), is_found_out=is_found_out)
    if isinstance(found, Alternative):  # nothing is wrong with other inputs, which are as likely
        other = _examine_course(shop, found.run)
        return replace(other, unseen=unseen, odd=tuple(_odd(shop, other.outcome)))
    agreed = tuple(one for key, one in findings.items() if key not in found)
    reason = min(found.values(), key=weight, default=None)
    raised = always_raises(shop, main.run, is_found_out=is_found_out)
    if not findings and raised is None:
        agreed = tuple(joined_batches(main.run))
    odd = tuple(_odd(shop, main.outcome)) if not findings and raised is None else ()
    return replace(main, findings=agreed, guess=reason, unseen=unseen, raised=raised, odd=odd)


def _odd(shop: Workshop, outcome: Outcome) -> Iterator[Unmet]:
    """What is wrong with a model that runs."""
    nothing = without_result(shop.model, outcome.first)
    if nothing is not None:
        yield nothing
    yield from degenerate(shop, outcome)


def _on_all_ways(shop: Workshop, main: Examination) -> tuple[dict[Key, Finding], Halt | None]:
    """The findings of every mode and branch, and where one of these could not be followed."""
    findings = {found.key: found for found in main.findings}
    unseen: Halt | None = None
    for course in other_courses(shop, main.run):
        run = shop.run(course)
        other, end = _examine_course(shop, run, frozenset(findings)), run.trace.trail.end()
        unseen = unseen or (end if isinstance(end, Halt) and not isinstance(end, Refusal | Objection) else None)
        for found in other.findings:
            node = _same_call(main.run, found)
            if node is not None:
                findings.setdefault(found.key, replace(found, node=node))
    return findings, unseen


def _examine_course(shop: Workshop, first: Run, known: frozenset[Key] = frozenset()) -> Examination:
    """All runs on one course; of what is known already nothing more is found out."""
    outcome = outcome_of(shop, first)
    run = outcome.first
    rejected = [item for item in without_follow_ups(outcome.rejected, run) if item.key not in known]
    # A number that is the same for every size of the input has no formula, and no size fixes it.
    is_open = any(isinstance(item, Need) and not is_apart_from_sizes(run, item) for item in rejected)
    has_detail = is_open and has_known_sizes(run) and not shop.is_plain
    try:
        detail = in_symbols(shop, run) if has_detail else None
        findings = tuple(finding(shop, outcome, run, item, detail) for item in rejected)
    except WorkSpent:  # they are proved, and have to be said
        with unlimited():
            findings = tuple(finding(shop, outcome, run, item, None) for item in rejected)
    return Examination(run, outcome, findings, None)


def _same_call(run: Run, finding: Finding) -> int | None:
    """The node of the main run that stands for the finding of another one."""
    for need in run.trace.trail.needs():
        if need.key == finding.key and need.node is not None:
            return need.node
    where = finding.key[0]
    for i, node in enumerate(run.trace.nodes):
        if node.op == "call_module" and str(node.target) == where:
            return i
    return len(run.trace.nodes) - 1
