"""What an outcome owes to the time that the machine took, or to its memory: such facts hold for one run only."""

from __future__ import annotations

reasons: list[str] = []
"""Why the facts of this process are not to be kept, if they are not; one process does one job."""


def count(reason: str) -> None:
    """The outcome depends on this as well, and may be another one next time."""
    reasons.append(reason)
