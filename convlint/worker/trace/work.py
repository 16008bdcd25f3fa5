"""Budgets of work: what an analysis may cost, counted in steps that are the same on every machine.

A step is about a millisecond of an idle core. Whoever does work spends it from every budget in force, so a part of an
analysis may have a smaller one of its own. Time is only a backstop, for what does no countable work (see `patience`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

RUN, CALL, GUARD = 10, 1, 1
"""Steps of a run of forward before its first call, of a call that is traced, and of a condition on sizes."""
_POINTS = 1 << 16
"""Combinations of sizes for which one condition is looked at in a step."""


class WorkSpent(BaseException):
    """A budget is used up. No Exception, so that the user's own handlers let it through."""

    def __init__(self, budget: WorkBudget) -> None:
        super().__init__(f"it takes more than {budget.most} steps of work")
        self.budget = budget


@dataclass(eq=False)
class WorkBudget:
    """So many steps, and how many of them are done."""

    most: int
    spent: int = 0

    @property
    def left(self) -> int:
        return max(0, self.most - self.spent)

    def again(self) -> WorkBudget:
        """As many steps once more."""
        return WorkBudget(self.most)


_in_force: list[WorkBudget] = []


@contextmanager
def limited(budget: WorkBudget) -> Iterator[WorkBudget]:
    """What the body does is spent from this budget as well; raises WorkSpent in the body when one is used up."""
    _in_force.append(budget)
    try:
        yield budget
    finally:
        _in_force.remove(budget)


@contextmanager
def unlimited() -> Iterator[None]:
    """What the body does costs nothing: what is said of a mistake once it is proved."""
    kept, _in_force[:] = list(_in_force), []
    try:
        yield
    finally:
        _in_force[:] = kept


def spend(steps: int) -> None:
    """Raises WorkSpent, for the outermost budget that is used up."""
    for budget in _in_force:
        budget.spent += steps
    for budget in _in_force:
        if budget.spent > budget.most:
            raise WorkSpent(budget)


def spend_on(points: int) -> None:
    """One condition, looked at for so many combinations of sizes."""
    spend(1 + points // _POINTS)
