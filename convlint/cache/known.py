"""The facts of jobs that were done before, and those of the others for the next time."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError

from convlint.cache.key import job_key
from convlint.cache.memory import Memory
from convlint.cache.world import with_distributions
from convlint.dependencies import Dependencies, joined
from convlint.facts import FileFacts
from convlint.jobs import Job
from convlint.watch import unwatched

_FLEETING = frozenset({"timeout", "memory", "crash"})


class KnownFacts:
    """The facts in a memory, for the jobs of one run."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._keys: dict[str, str | None] = {}  # by path of the job's file
        self._depends: list[Dependencies | None] = []

    def of(self, jobs: Iterable[Job]) -> dict[str, FileFacts]:
        """The facts of the jobs that need not be run, by path of the file."""
        with unwatched():
            found = [(job.path, self._look_up(job)) for job in jobs]
        return {path: facts for path, facts in found if facts is not None}

    def keep(self, job: Job, facts: FileFacts) -> None:
        """Keep facts for the next run, unless they depend on time or chance."""
        depends = facts.depends
        if depends is None or any(failure.kind in _FLEETING for failure in facts.failures):
            self._depends.append(None)
            return
        with unwatched():
            depends = with_distributions(depends, self._memory.world)
            self._depends.append(depends)
            name = self._keys.get(job.path)
            if name is not None:
                self._memory.keep(name, depends, facts.model_dump_json(exclude={"depends"}).encode())

    @property
    def depends(self) -> Dependencies | None:
        """What all the facts of this run depend on; None where some depend on time or chance."""
        known = [one for one in self._depends if one is not None]
        return joined(known) if len(known) == len(self._depends) else None

    def _look_up(self, job: Job) -> FileFacts | None:
        name = self._keys[job.path] = job_key(job, self._memory.world)
        found = self._memory.recall(name) if name is not None else None
        if name is None or found is None:
            return None
        body, depends = found
        try:
            facts = FileFacts.model_validate_json(body)
        except ValidationError:
            facts = FileFacts(filename="")
        if facts.filename != job.filename:
            self._memory.drop(name, depends)
            return None
        self._depends.append(depends)
        return facts
