"""What the user's code needs and does not get here; never a mistake of the user's."""

from __future__ import annotations

from convlint.facts import Reason
from convlint.sentences import sentence


class Unavailable(Exception):
    """A value that cannot be had without running the script, or a package that is not installed."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return sentence(self.reason)  # which the user's own handlers may print


class OnlyDeclared(Unavailable):
    """An operator that is followed by its signature, and cannot run."""
