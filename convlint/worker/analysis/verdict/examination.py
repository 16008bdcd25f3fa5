"""What is known of a model after all its runs."""

from __future__ import annotations

from dataclasses import dataclass

from convlint.facts import Reason, Span, Violation
from convlint.worker.analysis.session import Run
from convlint.worker.analysis.solving.explore import Outcome
from convlint.worker.analysis.verdict.findings import Finding
from convlint.worker.trace.trail import Raised, TraceStopped
from convlint.worker.trace.work import WorkBudget, WorkSpent


@dataclass(frozen=True)
class Examination:
    """What is known of a model after all its runs."""

    run: Run
    outcome: Outcome
    findings: tuple[Finding, ...]
    doubt: Reason | None  # why the inputs that were found out may be wrong
    guess: Reason | None = None  # why some findings were held back
    raised: Raised | None = None  # what every run ends with
    odd: tuple[Violation, ...] = ()  # that forward takes no usual inputs, without a mistake
    is_cut_short: bool = False  # a limit ended it
    unseen: TraceStopped | None = (
        None  # where another way through forward, by data or in eval mode, could not be followed
    )


class Unfinished(WorkSpent):
    """A budget is used up while more is asked about findings that are proved."""

    def __init__(self, budget: WorkBudget, examination: Examination) -> None:
        super().__init__(budget)
        self.examination = examination


def undecided(run: Run) -> Outcome:
    end = run.trace.trail.end()
    return Outcome(run, (), None, end if isinstance(end, TraceStopped) else None, False)


def stopped_at(examination: Examination) -> tuple[Reason, Span | None] | None:
    """Why and where the main run ended early."""
    end = examination.run.trace.trail.end()
    return (end.reason, end.at) if isinstance(end, TraceStopped) else None
