"""The verdict on one set of inputs: every run that forward may make with them, and what stands in all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from convlint.worker.deciding.explore import Outcome, explore
from convlint.worker.deciding.findings import Finding, finding, has_known_sizes, in_symbols
from convlint.worker.deciding.mistakes import without_follow_ups
from convlint.worker.deciding.ranks import in_every_rank
from convlint.worker.deciding.ways import MAX_FLIPS, best_variant, other_courses, past_decisions
from convlint.worker.examination import Examination, undecided
from convlint.worker.inputs.guesses import GUESSED, NAMED, TRIED
from convlint.worker.inputs.input import BATCH, Input
from convlint.worker.run import Run, Workshop, course_of
from convlint.worker.tracing.nodes import ancestors
from convlint.worker.trail import Halt, Key, Objection, Refusal

_MORE = 5
"""How much larger the second of two batches is, so that neither is by chance another size of the model."""


def judged(shop: Workshop, first: Run, *, is_found_out: bool) -> Examination:
    """The verdict on inputs that the first layers take; none where forward runs on plain numbers only."""
    if first.is_on_numbers:
        reason = "forward cannot be followed in symbols, so only these sizes were tried"
        return Examination(past_decisions(shop, first), undecided(first), (), None, reason)
    return _decided(shop, first, is_found_out=is_found_out)


def at_told_sizes(shop: Workshop, first: Run) -> tuple[Finding, ...]:
    """What breaks on plain numbers whatever the batch is, where it alone is open: the same at two batches."""
    sizes = first.course.sizes
    if sizes.keys() - {BATCH} or first.trace.decisions:
        return ()
    found = _examine_course(shop, first).findings
    if not found or BATCH not in sizes:
        return found
    other = _examine_course(shop, shop.run(first.course.at({BATCH: sizes[BATCH] + _MORE}))).findings
    same = {(one.key, one.unmet.came, one.unmet.needed) for one in other}
    return tuple(one for one in found if (one.key, one.unmet.came, one.unmet.needed) in same)


def _decided(shop: Workshop, first: Run, *, is_found_out: bool) -> Examination:
    """All runs of a model on inputs that its first layers take."""
    main = _examine_course(shop, first)
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
    one_way = _on_one_way_only(shop, main, findings)
    numbers = _guessed_numbers(main.run)
    unsure = {key: numbers or _unconfirmed(main.run, found.node) for key, found in findings.items()}
    if not numbers:
        doubted = [key for key, names in unsure.items() if names]
        unsure.update({key: set() for key in in_every_rank(main.run, doubted, lambda inputs: _explored(shop, inputs))})
    if is_found_out:  # which dim is the batch is a guess as well, and that an input is a tensor at all
        unsure.update({key: {"the inputs"} for key, found in findings.items() if found.is_misuse})
        unsure.update({key: {BATCH} for key, found in findings.items() if found.is_about_batch})
    agreed = [found for key, found in findings.items() if not unsure[key] and key not in one_way]
    doubtful = sorted(set[str]().union(*unsure.values()))
    reason = None
    if doubtful:
        reason = f"the shape of {', '.join(doubtful)} is only a guess, and what follows from it no finding"
    elif one_way:
        reason = "which way a branch goes that no input decides is not known, and what follows from it no finding"
    return replace(main, findings=tuple(agreed), guess=reason, unseen=unseen)


def _explored(shop: Workshop, inputs: tuple[Input, ...]) -> tuple[Run, Outcome]:
    first = shop.first(course_of(inputs))
    return first, _outcome(shop, first)


def _on_one_way_only(shop: Workshop, main: Examination, findings: Mapping[Key, Finding]) -> set[Key]:
    """What is found on one way alone of a branch that no input decides: a real run may never go there."""
    one_way: set[Key] = set()
    for i in main.run.trace.settled[:MAX_FLIPS]:
        outcome = _outcome(shop, shop.run(main.run.course.flipped(main.run.trace.decisions, i)))
        one_way |= findings.keys() ^ {item.key for item in without_follow_ups(outcome.rejected, outcome.first)}
    return one_way


def _guessed_numbers(run: Run) -> set[str]:
    """The inputs that are numbers or texts of our own choice: any size may come from them."""
    items = (item for item in run.course.inputs if item.source == NAMED and item.spec.shape is None)
    return {item.name for item in items if item.spec.value is not None and not isinstance(item.spec.value, bool)}


def _unconfirmed(run: Run, node: int) -> set[str]:
    """The inputs behind a node whose shape no layer has confirmed."""
    guesses = {item.name for item in run.course.inputs if item.source in (GUESSED, TRIED, NAMED)}
    if not guesses:
        return guesses
    behind = ancestors(run.trace.nodes[node])
    return guesses & {str(found.meta.get("name")) for found in behind if found.op == "placeholder"}


def _examine_course(shop: Workshop, first: Run, known: frozenset[Key] = frozenset()) -> Examination:
    """All runs on one course; of what is known already nothing more is found out."""
    outcome = _outcome(shop, first)
    run = outcome.first
    rejected = [item for item in without_follow_ups(outcome.rejected, run) if item.key not in known]
    has_detail = rejected and has_known_sizes(run) and not shop.is_plain
    detail = in_symbols(shop, run) if has_detail else None
    findings = tuple(finding(shop, outcome, run, item, detail) for item in rejected)
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
