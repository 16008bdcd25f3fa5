"""The examination of one model within a budget of work, and what is left of it where the budget ends first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from convlint.facts import Reason, ReasonKind, Remainder
from convlint.worker.analysis.examine import examine, examine_concretely
from convlint.worker.analysis.inference.evidence import Evidence
from convlint.worker.analysis.session import TraceSession
from convlint.worker.analysis.verdict.examination import Examination, Unfinished, undecided
from convlint.worker.analysis.verdict.verdict import of_code
from convlint.worker.trace.input import Input
from convlint.worker.trace.work import WorkBudget, WorkSpent, limited
from convlint.worker.user_code.time_limit import TimeLimitExceeded, time_limit

MOST_STEPS = 10_000
"""Steps of work for one model: about ten seconds of an idle core."""
LEAST_STEPS = 1000
"""What is left for each of the last models of a file that has many."""
PER_SECOND = 500
"""Steps of work for all models of a file, for each second of its time limit."""


def bounded(
    session: TraceSession,
    inputs: tuple[Input, ...] | None,
    found: Sequence[Evidence],
    squares: tuple[int, ...],
    budget: WorkBudget,
    seconds: float,
) -> Examination:
    """Raises WorkSpent or Impatient where not even a run on plain numbers is to be had."""
    try:
        with time_limit(seconds), limited(budget):
            examination = examine(session, inputs, found, squares)
            return examination if examination.doubt is None else _certain(session, examination)
    except WorkSpent as spent:
        if isinstance(spent, Unfinished):
            return replace(spent.examination, guess=_reason("symbolic-work-limit", "more"))
        with time_limit(seconds), limited(budget.again()):
            return _left(session, inputs, found, squares, "symbolic-work-limit")
    except TimeLimitExceeded:
        with time_limit(seconds), limited(budget.again()):
            return _left(session, inputs, found, squares, "symbolic-time-limit")


def _certain(session: TraceSession, examination: Examination) -> Examination:
    """With what is wrong between two layers, where no inputs were found that forward takes: it is so for any."""
    findings = of_code(session, examination.run, is_declared=False)
    return replace(examination, findings=findings, doubt=None, guess=examination.doubt) if findings else examination


def _left(
    session: TraceSession,
    inputs: tuple[Input, ...] | None,
    found: Sequence[Evidence],
    squares: tuple[int, ...],
    limit: ReasonKind,
) -> Examination:
    """What stands without a search: no inputs but those that were being judged are tried for findings."""
    reason = _reason(limit, "code")
    if session.judging:
        first = session.judging[-1]
        findings = of_code(session, first, is_declared=inputs is not None)
        return Examination(first, undecided(first), findings, None, reason, is_cut_short=True)
    return replace(examine_concretely(session, inputs, found, squares), guess=_reason(limit, "sizes"))


def _reason(limit: ReasonKind, remainder: Remainder) -> Reason:
    return Reason(kind=limit, remainder=remainder)
