"""The verdict on one set of inputs: every run that forward may make with them, and what stands in all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from convlint.facts import Reason, ReasonKind, Unmet
from convlint.worker.deciding.alternatives import (
    Alternative,
    alternatives,
    growing,
    open_inputs,
    refused_at_once,
    running,
)
from convlint.worker.deciding.bystanders import bystanders
from convlint.worker.deciding.constants import is_of_layers, unconditional
from convlint.worker.deciding.degenerate import degenerate
from convlint.worker.deciding.dependence import is_apart_from_sizes
from convlint.worker.deciding.elements import iterated_input
from convlint.worker.deciding.explore import Outcome, explore
from convlint.worker.deciding.findings import Finding, finding, has_known_sizes, in_symbols
from convlint.worker.deciding.fixed_sizes import course_at, is_about_strides, past_fixed_sizes
from convlint.worker.deciding.joined_batch import joined_batches
from convlint.worker.deciding.mistakes import without_follow_ups
from convlint.worker.deciding.pinned import pinned
from convlint.worker.deciding.raising import always_raises
from convlint.worker.deciding.returning import without_result
from convlint.worker.deciding.ways import MAX_FLIPS, asks_for_rank, best_variant, other_courses, past_decisions
from convlint.worker.examination import Examination, Unfinished, undecided
from convlint.worker.inputs.input import BATCH, Input
from convlint.worker.layers import holds_nothing
from convlint.worker.run import Run, Workshop, course_of
from convlint.worker.trail import Halt, Key, Need, Objection, Refusal, Stop, Unread
from convlint.worker.work import WorkSpent, unlimited

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
    outcome = _outcome(shop, single)
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
    doubts = _doubts(shop, main, findings, is_found_out=is_found_out)
    if isinstance(doubts, Alternative):  # nothing is wrong with other inputs, which are as likely
        other = _examine_course(shop, doubts.run)
        return replace(other, unseen=unseen, odd=tuple(_odd(shop, other.outcome)))
    agreed = tuple(found for key, found in findings.items() if key not in doubts)
    reason = min(doubts.values(), key=_weight, default=None)
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


def _doubts(
    shop: Workshop, main: Examination, findings: Mapping[Key, Finding], *, is_found_out: bool
) -> dict[Key, Reason] | Alternative:
    """Why some findings may be due to what nobody has said, by finding; or inputs with which there are none."""
    doubts = dict.fromkeys(_on_one_way_only(shop, main, findings), Reason(kind="branch-unknown"))
    if shop.cast is not None:
        mixed = [key for key in findings if key[1] == "mixed_dtype"]
        doubts |= dict.fromkeys(mixed, Reason(kind="dtype-unknown", detail=shop.cast))
    if not findings or not is_found_out:
        return doubts
    doubts |= {key: Reason(kind="inputs-guessed") for key, found in findings.items() if found.is_misuse}
    doubts |= {key: Reason(kind="batch-guessed") for key, found in findings.items() if found.is_about_batch}
    doubts |= dict(_sizes_of_guesses(main.run, findings))
    iterated = {key: iterated_input(main.run, found.node) for key, found in findings.items()}
    doubts |= {key: _guessed(name) for key, name in iterated.items() if name is not None}
    broken = main.run.trace.trail.broken() if not asks_for_rank(shop.model) else []
    decided = {need.key for need in broken if is_of_layers(main.run, need)}
    agreed = [found for key, found in findings.items() if key not in doubts]
    certain = [found for found in agreed if found.key not in decided]
    if agreed and not certain:  # true of whatever comes to these layers, but other inputs may not come there
        for owner, inputs in running(main.run, shop.run):
            other = Alternative(owner, inputs, *_explored(shop, inputs))
            if other.is_clean:
                return other
    idle = bystanders(shop.model, main.run, [found.node for found in certain])
    known = _Known(frozenset(findings), frozenset(found.key for found in certain), main.outcome.accepted or {})
    for other in alternatives(main.run, lambda inputs: _explored(shop, inputs, known), idle) if certain else ():
        if other.is_clean:
            return other
        unlike = [found for found in certain if not other.repeats(found)]
        if unlike and not other.refuses_apart_from(findings):
            doubts |= {found.key: _guessed(other.owner) for found in unlike}
    texts = [item.name for item in open_inputs(main.run.course.inputs) if isinstance(item.spec.value, str)]
    return doubts | ({key: _guessed(texts[0]) for key in findings} if texts else {})


def _sizes_of_guesses(run: Run, findings: Mapping[Key, Finding]) -> Iterator[tuple[Key, Reason]]:
    """What compares a formula with a number, where the input is a guess in which no layer has a part."""
    owner = next((item.name for item in open_inputs(run.course.inputs) if not item.source.is_confirmed), None)
    broken = run.trace.trail.broken() if owner is not None else []
    of_numbers = {need.key for need in broken if _is_number(need.came) and _is_number(need.needed)}
    for need in broken:
        if need.key in findings and need.key not in of_numbers:
            yield need.key, _guessed(owner or "")


def _is_number(size: object) -> bool:
    return isinstance(size, str) or bool(getattr(size, "is_Integer", False))


def _guessed(name: str) -> Reason:
    return Reason(kind="input-guessed", name=name)


def _weight(doubt: Reason) -> tuple[int, str]:
    """The order of doubts of which one is reported."""
    order: tuple[ReasonKind, ...] = ("dtype-unknown", "batch-guessed", "inputs-guessed", "input-guessed")
    return order.index(doubt.kind) if doubt.kind in order else len(order), doubt.name or ""


@dataclass(frozen=True)
class _Known:
    """What is found with the first inputs, which of it no input is known to mend, and sizes that all else takes."""

    found: frozenset[Key]
    certain: frozenset[Key]
    sizes: Mapping[str, int]


def _explored(shop: Workshop, inputs: tuple[Input, ...], known: _Known | None = None) -> tuple[Run, Outcome]:
    """What becomes of other inputs; there is no search where all sizes of them meet the same, or something else that
    is wrong."""
    course = course_of(inputs, {name: size for name, size in known.sizes.items() if size > 1} if known else None)
    for begun in growing(course, shop.run) if known is not None else ():
        if known is not None and _is_decided(begun, known):
            return begun, replace(undecided(begun), rejected=tuple(unconditional(begun)))
    first = past_fixed_sizes(shop, past_decisions(shop, shop.first(course)))
    return first, _outcome(shop, first)


def _is_decided(run: Run, known: _Known) -> bool:
    """Whether one run proves that the inputs are refused: by all that is certain again, or by something else."""
    return refused_at_once(run, known.found) or known.certain <= {need.key for need in unconditional(run)}


def _on_one_way_only(shop: Workshop, main: Examination, findings: Mapping[Key, Finding]) -> set[Key]:
    """What is found on one way alone of a branch that no input decides: a real run may never go there."""
    one_way: set[Key] = set()
    for i in main.run.trace.settled[:MAX_FLIPS]:
        outcome = _outcome(shop, shop.run(main.run.course.flipped(main.run.trace.decisions, i)))
        one_way |= findings.keys() ^ {item.key for item in without_follow_ups(outcome.rejected, outcome.first)}
    return one_way


def _examine_course(shop: Workshop, first: Run, known: frozenset[Key] = frozenset()) -> Examination:
    """All runs on one course; of what is known already nothing more is found out."""
    outcome = _outcome(shop, first)
    run = outcome.first
    rejected = [item for item in without_follow_ups(outcome.rejected, run) if item.key not in known]
    # A number that is the same for every size of the input has no formula, and no size mends it.
    is_open = any(isinstance(item, Need) and not is_apart_from_sizes(run, item) for item in rejected)
    has_detail = is_open and has_known_sizes(run) and not shop.is_plain
    try:
        detail = in_symbols(shop, run) if has_detail else None
        findings = tuple(finding(shop, outcome, run, item, detail) for item in rejected)
    except WorkSpent:  # they are proved, and have to be said
        with unlimited():
            findings = tuple(finding(shop, outcome, run, item, None) for item in rejected)
    return Examination(run, outcome, findings, None)


def _outcome(shop: Workshop, first: Run) -> Outcome:
    return explore(best_variant(shop, past_decisions(shop, first)), shop.run)


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
