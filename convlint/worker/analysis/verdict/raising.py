"""Exceptions that leave forward on every way through it: a mistake, if nothing that convlint chose has a part in it."""

from __future__ import annotations

from collections.abc import Iterable

import sympy

from convlint.worker.analysis.session import Run, RunSpec, TraceSession
from convlint.worker.analysis.solving.domain import STOPPED
from convlint.worker.analysis.solving.explore import explore
from convlint.worker.analysis.solving.search import pick, sizes_at
from convlint.worker.analysis.verdict.real_run import NotRun, raises_for_real
from convlint.worker.analysis.verdict.ways import other_run_specs
from convlint.worker.trace.input import BATCH
from convlint.worker.trace.trail import Raised, Stop, UserError

_ABSTRACT = "NotImplementedError"


def always_raises(
    session: TraceSession, run: Run, *, is_found_out: bool, alternatives: Iterable[RunSpec] = ()
) -> Raised | None:
    """The exception that ends this run, if it ends every run; `alternatives` are other inputs that may be meant.

    What the user's code raises after a repair follows from the mistake that was repaired.
    """
    run = _without_repairs(session, run)
    end = run.trace.trail.end()
    if not isinstance(end, Raised) or end.at is None or run.trace.trail.broken():
        return None
    if _may_be_meant(run, end, is_found_out=is_found_out):
        return None
    if is_found_out and not end.is_certain and not _is_of_every_input(session, run, end, alternatives):
        return None
    if not all(_ends_alike(session.run(run_spec), end) for run_spec in other_run_specs(session, run)):
        return None
    try:
        return end if raises_for_real(session, run, end) else None
    except NotRun:
        return end if end.is_certain else None


def _may_be_meant(run: Run, end: Raised, *, is_found_out: bool) -> bool:
    """Whether the code raises on purpose, or only at the sizes of this run."""
    if isinstance(end, UserError) and (is_found_out or end.kind == _ABSTRACT):
        return True  # a check of inputs that were guessed, or a method for others to write
    return not end.is_certain and bool(run.run_spec.sizes.keys() - {BATCH})  # other sizes may be fine


def _without_repairs(session: TraceSession, run: Run) -> Run:
    """The run at sizes that meet the requirements before the exception, where some do."""
    broken = run.trace.trail.broken()
    if not broken or not isinstance(run.trace.trail.end(), Raised):
        return run
    if any(requirement.condition is sympy.false for requirement in broken):
        return run
    outcome = explore(run, session.run)
    if outcome.domain is None or outcome.fates is None or not (outcome.fates == STOPPED).any():
        return run
    return session.run(run.run_spec.at(sizes_at(outcome.domain, pick(outcome.fates, STOPPED))))


def _is_of_every_input(session: TraceSession, run: Run, end: Raised, alternatives: Iterable[RunSpec]) -> bool:
    """Whether the code unpacks what a call of torch gave, and no other input makes that fit."""
    last = run.trace.nodes[-1] if run.trace.nodes else None
    place = last.meta["place"] if last is not None else None
    if last is None or place is None or not end.is_unpacking or len(last.meta.get("outputs", ())) < 2:
        return False
    others = [session.run(run_spec) for run_spec in alternatives]
    return bool(others) and all(
        _ends_alike(other, end) or isinstance(other.trace.trail.end(), Stop) for other in others
    )


def _ends_alike(run: Run, end: Raised) -> bool:
    other = run.trace.trail.end()
    return isinstance(other, Raised) and (other.kind, other.at) == (end.kind, end.at)
