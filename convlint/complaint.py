"""What ends a command with a word to the user instead of a result."""

from __future__ import annotations


class Complaint(Exception):
    """Carries one sentence for each thing that is wrong."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences
