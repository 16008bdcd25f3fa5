"""The verdict on one set of inputs: every run that forward may make with them, and what is in all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from convlint.facts import Reason, Violation
from convlint.worker.analysis.layers import holds_nothing
from convlint.worker.analysis.session import Run, TraceSession
from convlint.worker.analysis.solving.constants import is_of_layers, unconditional
from convlint.worker.analysis.solving.dependence import is_apart_from_sizes
from convlint.worker.analysis.solving.explore import Outcome
from convlint.worker.analysis.solving.fixed_sizes import is_about_strides, run_spec_at
from convlint.worker.analysis.solving.pinned import pinned
from convlint.worker.analysis.verdict.alternatives import Alternative, open_inputs
from convlint.worker.analysis.verdict.attempts import outcome_of
from convlint.worker.analysis.verdict.compared_batch import compared_batches
from convlint.worker.analysis.verdict.degenerate import degenerate
from convlint.worker.analysis.verdict.doubts import VerdictCase, doubts, weight
from convlint.worker.analysis.verdict.examination import Examination, Unfinished, undecided
from convlint.worker.analysis.verdict.findings import Finding, finding, has_known_sizes, in_symbols
from convlint.worker.analysis.verdict.joined_batch import joined_batches
from convlint.worker.analysis.verdict.mistakes import without_follow_ups
from convlint.worker.analysis.verdict.raising import always_raises
from convlint.worker.analysis.verdict.returning import without_result
from convlint.worker.analysis.verdict.ways import asks_for_rank, other_run_specs, past_decisions
from convlint.worker.trace.input import BATCH
from convlint.worker.trace.trail import Key, Requirement, Stop, TraceStopped, Unread, UserError, UserErrorOnBranch
from convlint.worker.trace.work import WorkSpent, unlimited

_MORE = 5
"""How much larger the second of two batches is, so that neither is by chance another size of the model."""


def judged(session: TraceSession, first: Run, *, is_found_out: bool) -> Examination:
    """The verdict on inputs that the first layers take; none where forward runs on plain numbers only."""
    first = _with_single_example(session, first)
    session.judging.append(first)
    if first.is_on_numbers:
        reason = Reason(kind="numbers-only")
        return Examination(past_decisions(session, first), undecided(first), (), None, reason)
    if holds_nothing(session.model):
        reason = Reason(kind="holds-no-layers")
        return Examination(first, undecided(first), (), reason)
    return _decided(session, first, is_found_out=is_found_out)


def _with_single_example(session: TraceSession, first: Run) -> Run:
    """The run of a batch of 1 where no other comes through: `squeeze` may take it away, or a layer ask for it."""
    end = first.trace.trail.end()
    if BATCH not in first.symbols or end is None or (any(unconditional(first)) and not isinstance(end, Unread)):
        return first
    if isinstance(end, Stop) and end.call is not None and is_about_strides(first, end.call):
        return first  # a batch of 1 has hardly any strides
    single = session.run(run_spec_at(first.run_spec, {BATCH: 1}))
    if single.trace.trail.end() is not None or any(unconditional(single)):
        return first
    outcome = outcome_of(session, single)
    return single if outcome.accepted is not None and not outcome.rejected else first


def at_declared_sizes(session: TraceSession, first: Run) -> tuple[Finding, ...]:
    """What breaks on plain numbers whatever the batch is, where it alone is open: the same at two batches and at 1."""
    sizes = first.run_spec.sizes
    if sizes.keys() - {BATCH} or first.trace.decisions:
        return ()
    found = _examine_run_spec(session, first).findings
    if not found or BATCH not in sizes:
        return found
    other = _examine_run_spec(session, session.run(first.run_spec.at({BATCH: sizes[BATCH] + _MORE}))).findings
    same = {
        (one.key, one.violation.actual, one.violation.expected) for one in other if one.violation.expected is not None
    }
    if session.run(first.run_spec.at({BATCH: 1})).comes_through:
        return ()
    return tuple(one for one in found if (one.key, one.violation.actual, one.violation.expected) in same)


def of_code(session: TraceSession, first: Run, *, is_declared: bool) -> tuple[Finding, ...]:
    """What is wrong whatever the sizes are, by one run; where the inputs were guessed, only between two layers."""
    if first.trace.settled or first.run_spec.fixed:
        return ()
    is_certain, is_one = is_declared and not pinned(first), is_declared or not asks_for_rank(session.model)
    every = {requirement.key for requirement in unconditional(first)} if is_certain else frozenset[Key]()
    needs = [
        requirement
        for requirement in unconditional(first, past_repairs=True)
        if requirement.key in every or (is_one and is_of_layers(first, requirement))
    ]
    outcome = undecided(first)
    return tuple(
        finding(session, outcome, first, requirement, None) for requirement in without_follow_ups(needs, first)
    )


def _decided(session: TraceSession, first: Run, *, is_found_out: bool) -> Examination:
    """All runs of a model on inputs that its first layers take."""
    main = _examine_run_spec(session, first)
    try:
        return _agreed(session, main, is_found_out=is_found_out)
    except WorkSpent as spent:
        proved = _proved(session, main, is_found_out=is_found_out)
        if not proved:
            raise
        raise Unfinished(spent.budget, replace(main, findings=proved)) from spent


def _proved(session: TraceSession, main: Examination, *, is_found_out: bool) -> tuple[Finding, ...]:
    """What the first run alone proves: it depends on no branch on data, and on nothing that was guessed."""
    if main.run.trace.settled or (is_found_out and open_inputs(main.run.run_spec.inputs)):
        return ()
    return tuple(
        found
        for found in main.findings
        if not (is_found_out and (found.is_misuse or found.is_about_batch))
        and not (session.cast is not None and found.key[1] == "mixed_dtype")
    )


def _agreed(session: TraceSession, main: Examination, *, is_found_out: bool) -> Examination:
    """What stands on all ways, and with all other inputs that were as likely."""
    findings, unseen = _on_all_ways(session, main)
    found = doubts(VerdictCase(session, main, findings), is_found_out=is_found_out)
    if isinstance(found, Alternative):  # nothing is wrong with other inputs, which are as likely
        other = _examine_run_spec(session, found.run)
        return replace(other, unseen=unseen, odd=tuple(_odd(session, other.outcome)))
    agreed = tuple(one for key, one in findings.items() if key not in found)
    reason = min(found.values(), key=weight, default=None)
    raised = always_raises(session, main.run, is_found_out=is_found_out)
    if not findings and raised is None:
        is_known = not (is_found_out and open_inputs(main.run.run_spec.inputs))
        agreed = (*joined_batches(main.run), *(compared_batches(main.run) if is_known else ()))
    odd = tuple(_odd(session, main.outcome)) if not findings and raised is None else ()
    return replace(main, findings=agreed, guess=reason, unseen=unseen, raised=raised, odd=odd)


def _odd(session: TraceSession, outcome: Outcome) -> Iterator[Violation]:
    """What is wrong with a model that runs."""
    nothing = without_result(session.model, outcome.first)
    if nothing is not None:
        yield nothing
    yield from degenerate(session, outcome)


def _on_all_ways(session: TraceSession, main: Examination) -> tuple[dict[Key, Finding], TraceStopped | None]:
    """The findings of every mode and branch, and where one of these could not be followed."""
    findings = {found.key: found for found in main.findings}
    unseen: TraceStopped | None = None
    for run_spec in other_run_specs(session, main.run):
        run = session.run(run_spec)
        other, end = _examine_run_spec(session, run, frozenset(findings)), run.trace.trail.end()
        unseen = unseen or (
            end if isinstance(end, TraceStopped) and not isinstance(end, UserError | UserErrorOnBranch) else None
        )
        for found in other.findings:
            node = _same_call(main.run, found)
            if node is not None:
                findings.setdefault(found.key, replace(found, node=node))
    return findings, unseen


def _examine_run_spec(session: TraceSession, first: Run, known: frozenset[Key] = frozenset()) -> Examination:
    """All runs of one specification; of what is known already nothing more is found out."""
    outcome = outcome_of(session, first)
    run = outcome.first
    rejected = [item for item in without_follow_ups(outcome.rejected, run) if item.key not in known]
    # A number that is the same for every size of the input has no formula, and no size fixes it.
    is_open = any(isinstance(item, Requirement) and not is_apart_from_sizes(run, item) for item in rejected)
    has_detail = is_open and has_known_sizes(run) and not session.is_plain
    try:
        detail = in_symbols(session, run) if has_detail else None
        findings = tuple(finding(session, outcome, run, item, detail) for item in rejected)
    except WorkSpent:  # they are proved, and have to be said
        with unlimited():
            findings = tuple(finding(session, outcome, run, item, None) for item in rejected)
    return Examination(run, outcome, findings, None)


def _same_call(run: Run, finding: Finding) -> int | None:
    """The node of the main run that stands for the finding of another one."""
    for requirement in run.trace.trail.needs():
        if requirement.key == finding.key and requirement.node is not None:
            return requirement.node
    where = finding.key[0]
    for i, node in enumerate(run.trace.nodes):
        if node.op == "call_module" and str(node.target) == where:
            return i
    return len(run.trace.nodes) - 1
