"""Doubts about findings: each names what may be the cause of one besides the code, so that it is not reported.

A doubt about one finding leaves the others as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from convlint.facts import Reason, ReasonKind
from convlint.worker.analysis.session import Run, TraceSession
from convlint.worker.analysis.solving.constants import is_of_layers
from convlint.worker.analysis.solving.elements import iterated_input
from convlint.worker.analysis.verdict.alternatives import Alternative, alternatives, open_inputs, running
from convlint.worker.analysis.verdict.attempts import KnownFindings, explored, outcome_of
from convlint.worker.analysis.verdict.bystanders import bystanders
from convlint.worker.analysis.verdict.examination import Examination
from convlint.worker.analysis.verdict.findings import Finding
from convlint.worker.analysis.verdict.mistakes import without_follow_ups
from convlint.worker.analysis.verdict.ways import MAX_FLIPS, asks_for_rank
from convlint.worker.trace.trail import Key


@dataclass(frozen=True)
class VerdictCase:
    """A model, its examination, and what was found on all ways through forward."""

    session: TraceSession
    main: Examination
    findings: Mapping[Key, Finding]

    @property
    def run(self) -> Run:
        return self.main.run


Doubts = dict[Key, Reason]
Doubt = Callable[[VerdictCase], Iterator[tuple[Key, Reason]]]


def branch_unknown(case: VerdictCase) -> Iterator[tuple[Key, Reason]]:
    """What is found on one way alone of a branch that no input decides: a real run may never go there."""
    findings, run = case.findings, case.run
    for i in run.trace.settled[:MAX_FLIPS]:
        outcome = outcome_of(case.session, case.session.run(run.run_spec.flipped(run.trace.decisions, i)))
        others = {item.key for item in without_follow_ups(outcome.rejected, outcome.first)}
        yield from ((key, Reason(kind="branch-unknown")) for key in findings.keys() ^ others)


def dtype_unknown(case: VerdictCase) -> Iterator[tuple[Key, Reason]]:
    """Code outside of forward may change the dtype of the model."""
    if case.session.cast is not None:
        reason = Reason(kind="dtype-unknown", detail=case.session.cast)
        yield from ((key, reason) for key in case.findings if key[1] == "mixed_dtype")


def inputs_of_another_kind(case: VerdictCase) -> Iterator[tuple[Key, Reason]]:
    """torch was given something of a kind that it does not take."""
    yield from ((key, Reason(kind="inputs-guessed")) for key, found in case.findings.items() if found.is_misuse)


def another_batch(case: VerdictCase) -> Iterator[tuple[Key, Reason]]:
    """Another batch may be meant."""
    yield from ((key, Reason(kind="batch-guessed")) for key, found in case.findings.items() if found.is_about_batch)


def sizes_of_guesses(case: VerdictCase) -> Iterator[tuple[Key, Reason]]:
    """What compares a formula with a number, where the input is a guess in which no layer has a part."""
    owner = next((item.name for item in open_inputs(case.run.run_spec.inputs) if not item.source.is_confirmed), None)
    broken = case.run.trace.trail.broken() if owner is not None else []
    of_numbers = {
        requirement.key for requirement in broken if _is_number(requirement.actual) and _is_number(requirement.expected)
    }
    for requirement in broken:
        if requirement.key in case.findings and requirement.key not in of_numbers:
            yield requirement.key, _guessed(owner or "")


def iterated_inputs(case: VerdictCase) -> Iterator[tuple[Key, Reason]]:
    """forward goes over the items of an input whose rank is a guess."""
    for key, found in case.findings.items():
        name = iterated_input(case.run, found.node)
        if name is not None:
            yield key, _guessed(name)


def guessed_texts(case: VerdictCase) -> Iterator[tuple[Key, Reason]]:
    """An input is a text, which may choose anything."""
    names = [item.name for item in open_inputs(case.run.run_spec.inputs) if isinstance(item.spec.value, str)]
    yield from ((key, _guessed(name)) for name in names[:1] for key in case.findings)


ALWAYS: tuple[Doubt, ...] = (branch_unknown, dtype_unknown)
OF_GUESSED_INPUTS: tuple[Doubt, ...] = (
    inputs_of_another_kind,
    another_batch,
    sizes_of_guesses,
    iterated_inputs,
)


def doubts(case: VerdictCase, *, is_found_out: bool) -> Doubts | Alternative:
    """The doubts about the findings; or other inputs that are as likely, and with which nothing is wrong.

    A later doubt about a finding takes the place of an earlier one.
    """
    found = dict(pair for doubt in ALWAYS for pair in doubt(case))
    if not case.findings or not is_found_out:
        return found
    for doubt in OF_GUESSED_INPUTS:
        found |= dict(doubt(case))
    agreed = [one for key, one in case.findings.items() if key not in found]
    decided = _between_layers(case)
    certain = [one for one in agreed if one.key not in decided]
    if agreed and not certain:  # true of whatever comes to these layers, but other inputs may not come there
        clean = _clean(case)
        if clean is not None:
            return clean
    of_others = _of_other_inputs(case, certain) if certain else {}
    if isinstance(of_others, Alternative):
        return of_others
    return {**found, **of_others, **dict(guessed_texts(case))}


def _between_layers(case: VerdictCase) -> set[Key]:
    """What is wrong whatever comes to the layers."""
    broken = case.run.trace.trail.broken() if not asks_for_rank(case.session.model) else []
    return {requirement.key for requirement in broken if is_of_layers(case.run, requirement, past_indexing=True)}


def _clean(case: VerdictCase) -> Alternative | None:
    """Other inputs that come through, with nothing wrong at any size."""
    others = (
        Alternative(name, inputs, *explored(case.session, inputs))
        for name, inputs in running(case.run, case.session.run)
    )
    return next((other for other in others if other.is_clean), None)


def _of_other_inputs(case: VerdictCase, certain: list[Finding]) -> Doubts | Alternative:
    """The findings that other inputs do not have, where these are not refused for something else."""
    idle = bystanders(case.session.model, case.run, [found.node for found in certain])
    sizes = case.main.outcome.accepted or {}
    known = KnownFindings(frozenset(case.findings), frozenset(found.key for found in certain), sizes)
    found: Doubts = {}
    for other in alternatives(case.run, lambda inputs: explored(case.session, inputs, known), idle):
        if other.is_clean:
            return other
        unlike = [one for one in certain if not other.repeats(one)]
        if unlike and not other.refuses_apart_from(case.findings):
            found |= {one.key: _guessed(other.owner) for one in unlike}
    return found


def weight(doubt: Reason) -> tuple[int, str]:
    """The order of doubts of which one is reported."""
    order: tuple[ReasonKind, ...] = ("dtype-unknown", "batch-guessed", "inputs-guessed", "input-guessed")
    return order.index(doubt.kind) if doubt.kind in order else len(order), doubt.name or ""


def _is_number(size: object) -> bool:
    return isinstance(size, str) or bool(getattr(size, "is_Integer", False))


def _guessed(name: str) -> Reason:
    return Reason(kind="input-guessed", name=name)
