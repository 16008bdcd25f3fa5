"""Something is wrong with the configuration or the command line: convlint says what and exits with 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from convlint.complaint import Complaint


class ConfigError(Complaint):
    """What the user can set right."""


def suggestion(word: str, valid: Iterable[str]) -> str:
    """`; did you mean "exclude"?`, or the whole list where nothing is near."""
    known = list(valid)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; valid are {', '.join(known)}" if known else ""
