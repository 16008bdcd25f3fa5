"""What comes back from a job's process, taken as untrusted data."""

from __future__ import annotations

from pydantic import ValidationError

from convlint.facts import Failure, FileFacts
from convlint.jobs import Job
from convlint.protocol.ending import facts_of


def admit(job: Job, payload: bytes) -> FileFacts:
    """The facts in a payload, about the job's own file whatever they say; a failure if they are none."""
    try:
        facts = FileFacts.model_validate_json(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "facts"
        message = f"the process that ran {job.filename} handed over invalid facts: {place}: {first['msg']}"
        return facts_of(job, Failure(kind="crash", message=message))
    return facts if facts.filename == job.filename else facts.model_copy(update={"filename": job.filename})
