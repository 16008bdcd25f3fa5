"""File names in facts as the user gave them."""

from __future__ import annotations

from convlint.facts import FileFacts, Span
from convlint.jobs import Job


def relative(facts: FileFacts, job: Job, here: str) -> FileFacts:
    """Spans with the file names that the user gave, relative to the working directory where they lie below it."""

    def shorten(value: object) -> object:
        if isinstance(value, dict):
            if set(value) == set(Span.model_fields):
                return {**value, "filename": job.shown(str(value["filename"]), here)}
            return {key: shorten(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [shorten(item) for item in value]
        return value

    return FileFacts.model_validate(shorten(facts.model_dump()))
