"""Stands in for the engine in tests of the pool: it only executes the file. No torch."""

from __future__ import annotations

import runpy

from convlint.facts import Failure, FileFacts
from convlint.jobs import Job


def run(job: Job) -> FileFacts:
    try:
        names = runpy.run_path(job.path, run_name=job.module)
    except Exception as error:
        failure = Failure(kind="import", message=f"{type(error).__name__}: {error}")
        return FileFacts(filename=job.filename, failures=(failure,))
    facts = names.get("FACTS", FileFacts(filename=names.get("FILENAME", job.filename)))
    assert isinstance(facts, FileFacts)
    return facts
