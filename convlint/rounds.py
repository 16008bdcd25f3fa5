"""The jobs of a run and what comes of them, in rounds: what one round finds may ask for another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from convlint.complaint import Complaint
from convlint.facts import FileFacts, ModelFacts, together
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
    _pool: WorkerPool | None = None  # of all rounds: torch is loaded once

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.close()

    def done(self, planned: Sequence[Job], meanwhile: Callable[[], None] = lambda: None) -> list[FileFacts]:
        """The facts about the models of some jobs, which are numbered after those of earlier jobs of their files.

        `meanwhile` runs while the worker loads torch.
        """
        chosen = (job for job in planned if self.only is None or job.path in self.only)
        jobs = [job.model_copy(update={"verify": self.verify}) for job in chosen]
        known = self.cache.of(jobs) if self.cache is not None else {}
        missing = [job for job in jobs if job.path not in known]
        pool = self._pool_for(missing)
        meanwhile()
        fresh = _kept(_run(pool, missing), missing, self.cache)
        facts = [*known.values(), *watched(fresh, len(missing), is_shown=self.shows_progress)]
        offsets = {job.filename: self._joined(job) for job in jobs}
        return [_numbered(one, offsets.get(one.filename, 0)) for one in facts]

    def rehearsed(self, scripts: Sequence[Job], meanwhile: Callable[[], None] = lambda: None) -> list[FileFacts]:
        """The facts about the models that some scripts feed, by the files of these models.

        What ends a script is no failure: its models are checked without it then.
        """
        jobs = [job for job in scripts if self.only is None or job.path in self.only]
        known = self.cache.of(jobs) if self.cache is not None else {}
        missing = [job for job in jobs if job.path not in known]
        pool = self._pool_for(missing)
        meanwhile()
        fresh = _kept(_run(pool, missing), missing, self.cache)
        facts = [*known.values(), *watched(fresh, len(missing), is_shown=self.shows_progress)]
        return [part for one in sorted(facts, key=lambda one: one.filename) for part in by_home(one)]

    def _pool_for(self, jobs: Sequence[Job]) -> WorkerPool | None:
        """The pool, which has begun to load torch; without jobs nothing is started."""
        if not jobs:
            return None
        if self._pool is None:
            # Only a run that has something to check pays for these.
            from convlint.pool.parallel import default_parallel
            from convlint.pool.pool import WorkerPool

            self._pool = WorkerPool(parallel=self.parallel or default_parallel(), server=self.server)
            self.server = None
        self._pool.start()
        return self._pool

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


def by_home(facts: FileFacts) -> Iterator[FileFacts]:
    """The facts of a script, taken apart by the files of the models that it feeds."""
    homes: dict[str, list[ModelFacts]] = {}
    for model in facts.models:
        homes.setdefault(model.home or facts.filename, []).append(model)
    own = tuple(homes.pop(facts.filename, ()))
    yield FileFacts(
        filename=facts.filename,
        models=own,
        calls=facts.calls,
        built=facts.built,
        script=facts.script,
        guards=facts.guards,
    )
    for home, models in homes.items():
        yield FileFacts(filename=home, models=tuple(models), guards=facts.guards)


def with_built(facts: Sequence[FileFacts]) -> list[FileFacts]:
    """With the models as scripts build them in the place of those that could not be built, or only with guesses."""
    spare: dict[tuple[str, str], list[ModelFacts]] = {}
    for file in facts:
        for model in file.built:
            spare.setdefault((model.home or file.filename, model.target), []).append(model)
    return [file.model_copy(update={"models": tuple(_better(file, spare)), "built": ()}) for file in facts]


def _better(file: FileFacts, spare: Mapping[tuple[str, str], Sequence[ModelFacts]]) -> Iterator[ModelFacts]:
    for model in file.models:
        others = spare.get((file.filename, model.target), ())
        is_guessed = model.construction is None or model.construction.origin == "guessed"
        yield from others if others and is_guessed else (model,)


def by_file(facts: Iterable[FileFacts]) -> tuple[FileFacts, ...]:
    """By name of file, each once, but for what is known of a file without running it."""
    found: dict[tuple[str, bool], FileFacts] = {}
    for one in facts:
        key = (one.filename, bool(one.failures) and not one.models)
        found[key] = together(found[key], one) if key in found else one
    return tuple(sorted(found.values(), key=lambda file: file.filename))


def _kept(facts: Iterator[FileFacts], jobs: Sequence[Job], cache: KnownFacts | None) -> Iterator[FileFacts]:
    """The facts as they come, each put into the cache."""
    by_name = {job.filename: job for job in jobs}
    for one in facts:
        if cache is not None:
            cache.keep(by_name[one.filename], one)
        yield one


def _run(pool: WorkerPool | None, jobs: Sequence[Job]) -> Iterator[FileFacts]:
    if pool is None:
        return
    from convlint.pool.serving import ServerError

    try:
        yield from pool.run(jobs)
    except ServerError as error:
        raise CannotRun(str(error)) from None
