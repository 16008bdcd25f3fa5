"""The search: candidates in the order of their likelihood, each tried on the model, within a budget of traced calls."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from convlint.facts import TriedEdit, Violation
from convlint.worker.analysis.edits.branches import branches
from convlint.worker.analysis.edits.case import Candidate, EditCase, EditedModel, scopes_of
from convlint.worker.analysis.edits.forgotten import forgotten
from convlint.worker.analysis.edits.layouts import layouts, ranks, turned
from convlint.worker.analysis.edits.losses import losses
from convlint.worker.analysis.edits.numbers import numbers
from convlint.worker.analysis.edits.operands import operands
from convlint.worker.analysis.edits.rebuild import Recipe, ScopedSites
from convlint.worker.analysis.edits.shares import folded, split_of, splits, states
from convlint.worker.analysis.edits.syntax import written_at
from convlint.worker.analysis.edits.trial import EditBudget, Result, Trials
from convlint.worker.analysis.session import Run, TraceSession
from convlint.worker.analysis.verdict.degenerate import refused
from convlint.worker.analysis.verdict.examination import Examination
from convlint.worker.analysis.verdict.findings import Finding
from convlint.worker.trace.trail import Key, Requirement, Stop

MOST_FINDINGS = 6
"""Findings of one model for which edits are sought."""
MOST_ANSWERS = 2
"""Edits that are offered for one of them."""
EDIT_STEPS = 10_000
"""Steps of work for the edits that are tried for one model."""
MOST_CANDIDATES = 14
"""Edits that are tried for one of them."""

_SOURCES = (forgotten, layouts, turned, ranks, operands, losses, splits, folded, numbers, branches, states)


def with_edits(examination: Examination, session: TraceSession, recipe: Recipe) -> Examination:
    """The examination with an edit for each finding where one is found; findings that one edit fixes are one."""
    if not examination.findings and not examination.odd:
        return examination
    built = _built(session, recipe)
    budget = EditBudget()
    odd = tuple(_less_odd(one, examination, session, built, recipe, budget) for one in examination.odd)
    return replace(_with_findings(examination, session, built, recipe, budget), odd=odd)


def _with_findings(
    examination: Examination, session: TraceSession, built: EditedModel, recipe: Recipe, budget: EditBudget
) -> Examination:
    broken = tuple(examination.run.trace.trail.broken())
    cases = list(_cases(examination, built, broken))
    trials = Trials(recipe, examination.run, broken, budget, session.is_plain)
    settled: dict[Key, Finding] = {}
    for case in cases[:MOST_FINDINGS]:
        if case.finding.key in settled:
            continue
        reported = {key for one in cases for key in one.targets}
        found = _best(case, trials, reported)
        split = split_of(case)
        finding = _changed(case.finding, {"split": split, "operator": _operator(case)})
        if found:
            finding, followers = _mended(finding, found, cases, settled)
            settled.update(dict.fromkeys(followers, finding))
        settled[case.finding.key] = finding
    kept: list[Finding] = []
    for one in examination.findings:
        finding = settled.get(one.key, one)
        if not any(finding is other for other in kept):
            kept.append(finding)
    return replace(examination, findings=tuple(kept))


def _less_odd(
    violation: Violation,
    examination: Examination,
    session: TraceSession,
    built: EditedModel,
    recipe: Recipe,
    budget: EditBudget,
) -> Violation:
    """What makes forward take usual inputs, where it takes odd ones only."""
    run = refused(session, examination.outcome, violation)
    broken = tuple(run.trace.trail.broken()) if run is not None else ()
    end = run.trace.trail.end() if run is not None else None
    first = next(
        (requirement for requirement in broken if requirement.node is not None), end if isinstance(end, Stop) else None
    )
    if run is None or first is None or first.node is None:
        return violation
    _, name, operand = first.key
    finding = Finding(first.node, Violation(name=name, operand=operand), first.key)
    case = EditCase(finding, first, run, broken, built)
    found = _best(case, Trials(recipe, run, broken, budget, session.is_plain), set(case.targets))
    if not found:
        return violation
    mended, _ = _mended(finding, found, [case], {})
    edit, at = mended.violation.edit, mended.violation.at or violation.at
    return violation.model_copy(update={"edit": edit, "at": at, "also": _twins(case)})


def _twins(case: EditCase) -> tuple[str, ...]:
    """The blocks whose forward refuses the same line."""
    nodes = (case.run.trace.nodes[requirement.node] for requirement in case.broken if requirement.node is not None)
    twins = [node for node in nodes if node.meta["place"] == case.node.meta["place"] and node is not case.node]
    return tuple(dict.fromkeys(str(node.meta["block"]) for node in twins))


def _built(session: TraceSession, recipe: Recipe) -> EditedModel:
    """The model with what could be named where its parts were made."""
    sites = ScopedSites()
    with recipe.rebuilt(sites=sites) as again:
        scopes = scopes_of(again.model, sites, recipe.made_up)
    return EditedModel(session.model, session.sites, scopes, session.is_user)


def _cases(examination: Examination, built: EditedModel, broken: Sequence[Requirement]) -> Iterator[EditCase]:
    run = examination.run
    for finding in examination.findings:
        requirement = _requirement(finding, run, broken)
        if requirement is not None and finding.node < len(run.trace.nodes):
            yield EditCase(finding, requirement, run, broken, built)


def _requirement(finding: Finding, run: Run, broken: Sequence[Requirement]) -> Requirement | Stop | None:
    end = run.trace.trail.end()
    if isinstance(end, Stop) and end.key == finding.key:
        return end
    return next((requirement for requirement in broken if requirement.key == finding.key), None)


def _best(case: EditCase, trials: Trials, reported: set[Key]) -> list[tuple[Candidate, Result]]:
    """The candidates that work, the best first."""
    found: list[tuple[Candidate, Result]] = []
    refuted: set[int] = set()
    candidates = sorted(chain.from_iterable(source(case) for source in _SOURCES), key=lambda one: one.tier)
    for candidate in candidates[:MOST_CANDIDATES]:
        if len(found) >= MOST_ANSWERS or trials.budget.is_spent:
            break
        if found and _is_needless(candidate, found[0][0]):
            continue
        result = trials.of(candidate, case, reported)
        if result is not None:
            found.append((candidate, result))
        elif candidate.kind == "number":
            refuted.add(candidate.side)
    return [(_placed(candidate, refuted), result) for candidate, result in found]


def _placed(candidate: Candidate, refuted: Collection[int]) -> Candidate:
    """With the cause where a size is given only if the other side, to which it is given, was tried without success."""
    is_certain = candidate.side == 0 or any(side != candidate.side for side in refuted)
    return candidate if is_certain else replace(candidate, at=None)


def _is_needless(candidate: Candidate, first: Candidate) -> bool:
    """Whether one that works makes another one no news: less likely, of the same kind, or the same text again."""
    if candidate.tier == first.tier == 2 and candidate.side != first.side:
        return False
    if candidate.tier > 1:
        return True
    is_free = candidate.kind == "number" and candidate.tier == 0  # a number that is chosen among several
    return candidate.kind == first.kind and not is_free


def _mended(
    finding: Finding,
    found: Sequence[tuple[Candidate, Result]],
    cases: Sequence[EditCase],
    settled: Mapping[Key, Finding],
) -> tuple[Finding, list[Key]]:
    """A finding with its edit, and the keys of those that are gone with it."""
    candidate, result = found[0]
    followers = [
        case.finding.key
        for case in cases
        if case.finding.key not in result.broken and case.finding.key not in (finding.key, *settled)
    ]
    here = next(case for case in cases if case.finding.key == finding.key)
    also = [case for case in cases if case.finding.key in followers and _is_alike(case, here)]
    edit = TriedEdit(
        kind=candidate.kind,
        code=candidate.code,
        changes=candidate.changes,
        is_whole=result.is_whole,
        others=tuple(one.code for one, _ in found[1:]),
    )
    names = tuple(dict.fromkeys(case.title for case in also))
    at = {"at": candidate.at} if candidate.at is not None else {}
    return _changed(finding, {"edit": edit, "also": names, **at}), followers


def _is_alike(one: EditCase, other: EditCase) -> bool:
    """Whether two calls are one in the user's code: the same line of forward, or layers that one line makes."""
    if one.node is other.node or one.requirement.key[1] != other.requirement.key[1]:
        return False
    if one.layer is None or other.layer is None:
        return one.layer is other.layer and one.node.meta["place"] == other.node.meta["place"]
    chains = [case.built.chain(case.layer)[:1] for case in (one, other)]
    return chains[0] == chains[1]


def _changed(finding: Finding, update: Mapping[str, object]) -> Finding:
    return replace(finding, violation=finding.violation.model_copy(update=dict(update)))


def _operator(case: EditCase) -> str | None:
    place = case.node.meta.get("place")
    written = written_at(place) if place is not None else None
    return written.operator if written is not None else None
