"""What ends a command with a word to the user instead of a result."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class Complaint(Exception):
    """Carries one sentence for each thing that is wrong."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


def suggestion(word: str, valid: Iterable[str]) -> str:
    """`; did you mean "exclude"?`, or the whole list where nothing is near."""
    known = list(valid)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; valid are {', '.join(known)}" if known else ""
