"""The jobs of a run and what comes of them, in rounds: what one round finds may ask for another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from convlint.complaint import Complaint
from convlint.facts import FileFacts, together
from convlint.jobs import Job, Verify
from convlint.progress import watched

if TYPE_CHECKING:
    from convlint.cache.known import KnownFacts
    from convlint.pool.pool import WorkerPool
    from convlint.pool.serving import ServerProcess


class CannotRun(Complaint):
    """convlint itself is not fit to run: its rules or its worker cannot be used."""


@dataclass(slots=True)
class Rounds:
    """The jobs of a run, in rounds: what one has found may ask for more."""

    cache: KnownFacts | None
    server: ServerProcess | None  # for the first round
    verify: Verify | None
    parallel: int | None
    only: frozenset[str] | None  # absolute paths: of the files that are found, those to check
    shows_progress: bool
    jobs: list[Job] = field(default_factory=list)  # one a file

    def done(self, planned: Sequence[Job], meanwhile: Callable[[], None] = lambda: None) -> list[FileFacts]:
        """The facts about the models of some jobs, which are numbered after those of earlier jobs of their files.

        `meanwhile` runs while the worker loads torch.
        """
        chosen = (job for job in planned if self.only is None or job.path in self.only)
        jobs = [job.model_copy(update={"verify": self.verify}) for job in chosen]
        known = self.cache.of(jobs) if self.cache is not None else {}
        missing = [job for job in jobs if job.path not in known]
        with _pool_for(missing, self.parallel, self.server) as pool:
            self.server = None
            meanwhile()
            fresh = _kept(_run(pool, missing), missing, self.cache)
            facts = [*known.values(), *watched(fresh, len(missing), is_shown=self.shows_progress)]
        offsets = {job.filename: self._joined(job) for job in jobs}
        return [_numbered(one, offsets.get(one.filename, 0)) for one in facts]

    def _joined(self, job: Job) -> int:
        """Put the models of a job after those of the earlier job of its file, and say how many these are."""
        for number, earlier in enumerate(self.jobs):
            if earlier.path == job.path:
                both = {"models": (*earlier.models, *job.models), "files": {**earlier.files, **job.files}}
                self.jobs[number] = earlier.model_copy(update=both)
                return len(earlier.models)
        self.jobs.append(job)
        return 0


def _numbered(facts: FileFacts, offset: int) -> FileFacts:
    if not offset:
        return facts
    ways = [one.way and one.way.model_copy(update={"model": one.way.model + offset}) for one in facts.models]
    models = (one.model_copy(update={"way": way}) for one, way in zip(facts.models, ways, strict=True))
    return facts.model_copy(update={"models": tuple(models)})


def by_file(facts: Iterable[FileFacts]) -> tuple[FileFacts, ...]:
    """By name of file, each once, but for what is known of a file without running it."""
    found: dict[tuple[str, bool], FileFacts] = {}
    for one in facts:
        key = (one.filename, not one.models)
        found[key] = together(found[key], one) if key in found else one
    return tuple(sorted(found.values(), key=lambda file: file.filename))


def _kept(facts: Iterator[FileFacts], jobs: Sequence[Job], cache: KnownFacts | None) -> Iterator[FileFacts]:
    """The facts as they come, each put into the cache."""
    by_name = {job.filename: job for job in jobs}
    for one in facts:
        if cache is not None:
            cache.keep(by_name[one.filename], one)
        yield one


def _pool_for(
    jobs: Sequence[Job], parallel: int | None, server: ServerProcess | None
) -> AbstractContextManager[WorkerPool | None]:
    """A pool that has begun to load torch; without jobs nothing is started."""
    if not jobs:
        return nullcontext()
    # Only a run that has something to check pays for these.
    from convlint.pool.parallel import default_parallel
    from convlint.pool.pool import WorkerPool

    pool = WorkerPool(parallel=min(parallel or default_parallel(), len(jobs)), server=server)
    pool.start()
    return pool


def _run(pool: WorkerPool | None, jobs: Sequence[Job]) -> Iterator[FileFacts]:
    if pool is None:
        return
    from convlint.pool.serving import ServerError

    try:
        yield from pool.run(jobs)
    except ServerError as error:
        raise CannotRun(str(error)) from None
