"""What the user's code needs and does not get here; never a mistake of the user's."""

from __future__ import annotations


class Unavailable(Exception):
    """A value that cannot be had without running the script, or a package that is not installed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OnlyDeclared(Unavailable):
    """An operator that is followed by its signature, and cannot run."""
