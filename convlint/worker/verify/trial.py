"""The whole work on one trial: import the file, build the model with real weights, and run it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from convlint.facts import Compilation, Export, Failure, FileFacts, Observation, Reason, Scenario, Span, TrialFacts
from convlint.jobs import Job, ModelJob, TrialJob, Verify, Wanted
from convlint.worker.build.builder import Builder, BuiltModel, NotBuilt
from convlint.worker.build.importing import ImportedProject, importing, place_in, wording
from convlint.worker.build.resolve import Resolver
from convlint.worker.build.skeleton import Sites, sited
from convlint.worker.build.styles import STYLES
from convlint.worker.ops.breakdown.case import NotShown
from convlint.worker.stack.users import IsUser, user_test
from convlint.worker.trace import devices
from convlint.worker.user_code import source
from convlint.worker.user_code.relative import relative
from convlint.worker.user_code.unavailable import OnlyDeclared
from convlint.worker.user_code.wording import said
from convlint.worker.verify.bench import Bench, bench_of
from convlint.worker.verify.budget import budget
from convlint.worker.verify.capture import Stopped, broken_down
from convlint.worker.verify.compiling import compilation
from convlint.worker.verify.device import NoDevice, described, found, is_out_of_memory
from convlint.worker.verify.exporting import export
from convlint.worker.verify.run import observed, unfit_weights
from convlint.worker.verify.weights import seeded

_SHARE = 0.8
"""Of the time that is left, for what may take as long as it likes."""

_UNSOUND = "the usual run in eval mode does not come through without help"


def run(job: Job) -> FileFacts:
    """Make the runs of a job. Raises nothing that the user's code raised."""
    assert job.verify is not None
    try:
        device = found(job.verify.device)
    except NoDevice as error:
        return FileFacts(filename=job.filename, trials=(TrialFacts(reason=_not_run(str(error))),))
    if job.trial is None:  # it is only asked whether the device is there
        return FileFacts(filename=job.filename, trials=(TrialFacts(device=described(device)),))
    source.replaced.update(job.texts)
    is_user, here = user_test(job.path, job.user_roots), os.getcwd()
    with importing(job, is_user) as project:
        facts = _trial(job, project, is_user, device, job.trial, job.verify)
    return relative(facts, job, here)


def _trial(
    job: Job, project: ImportedProject, is_user: IsUser, device: torch.device, asked: TrialJob, verify: Verify
) -> FileFacts:
    wanted, sites, end = job.models[0], Sites(), time.monotonic() + job.timeout
    trial = TrialFacts(device=described(device))
    try:
        built = _built(job, wanted, project, is_user, sites, asked)
    except NotBuilt as error:
        is_hungry = error.__context__ is not None and is_out_of_memory(error.__context__)
        return _without_runs(job, trial, error.reason, is_hungry=is_hungry, at=error.at)
    except BaseException as error:  # the import
        failure = Failure(kind="import", message=wording(error), at=place_in(error, is_user))
        return FileFacts(filename=job.filename, failures=(failure,))
    try:
        bench = bench_of(built.model, device, verify, sites, is_user)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return _without_runs(job, trial, _not_run(said(error)), is_hungry=True)
    try:
        return _ran(job, asked, trial, bench, end)
    except OnlyDeclared as error:
        return _without_runs(job, trial, error.reason, is_hungry=False, at=place_in(error, is_user))


def _ran(job: Job, asked: TrialJob, trial: TrialFacts, bench: Bench, end: float) -> FileFacts:
    """The runs that a job asks for. Raises OnlyDeclared where an operator is not there."""
    if asked.wanted is not None:
        return FileFacts(filename=job.filename, trials=(_broken_down(trial, bench, asked, asked.wanted),))
    unfit = unfit_weights(bench)
    runs = tuple(_until_broken(bench, asked))
    can_go_on = not any(one.error is not None and one.error.kind == "device" for one in runs)
    spent = budget(bench, asked.feed, asked.budget) if asked.budget is not None and can_go_on else None
    done = trial.model_copy(update={"unfit": unfit, "observations": runs, "budget": spent})
    done = done.model_copy(update=_rebuilt(bench, asked, _sound(asked, runs) if can_go_on else [], end))
    return FileFacts(filename=job.filename, trials=(done,))


def _without_runs(job: Job, trial: TrialFacts, reason: Reason, *, is_hungry: bool, at: Span | None = None) -> FileFacts:
    told = trial.model_copy(update={"reason": reason, "is_hungry": is_hungry, "at": at})
    return FileFacts(filename=job.filename, trials=(told,))


def _not_run(detail: str) -> Reason:
    return Reason(kind="not-run", detail=detail)


def _broken_down(trial: TrialFacts, bench: Bench, asked: TrialJob, wanted: Wanted) -> TrialFacts:
    try:
        return trial.model_copy(update={"breakdown": broken_down(bench, wanted, asked.feed)})
    except NotShown as error:
        return trial.model_copy(update={"reason": _not_run(str(error))})
    except Stopped as error:
        return trial.model_copy(update={"reason": _not_run(str(error)), "at": error.at})


def _rebuilt(bench: Bench, asked: TrialJob, scenarios: Sequence[Scenario], end: float) -> dict[str, Any]:
    """What exporting and compiling come to, as far as they are asked for, in the time until the end."""
    found: dict[str, Any] = {}
    if asked.exports:
        found["export"] = Export(status="not checked", reason=_UNSOUND)
        if scenarios:
            found["export"] = export(bench, asked.feed, scenarios, (end - time.monotonic()) * _SHARE / 2)
    if asked.compiles:
        found["compilation"] = Compilation(status="not checked", reason=_UNSOUND)
        if scenarios:
            found["compilation"] = compilation(bench, asked.feed, scenarios, (end - time.monotonic()) * _SHARE)
    return found


def _sound(asked: TrialJob, runs: Sequence[Observation]) -> list[Scenario]:
    """What has run to its end without help, the usual run in eval mode first; nothing where that one has not."""
    fine = [seen.scenario for run, seen in zip(asked.runs, runs, strict=False) if seen.error is None and not run.handed]
    return fine if fine and fine[0] == asked.runs[0].scenario and not fine[0].training else []


def _built(
    job: Job, wanted: ModelJob, project: ImportedProject, is_user: IsUser, sites: Sites, asked: TrialJob
) -> BuiltModel:
    """The model once more, in the way that it was built in for its trace. Raises NotBuilt, and what the import does."""

    @contextmanager
    def context() -> Iterator[None]:
        with seeded(), sited(sites), devices.Neutral():
            yield

    with context():
        module = project.load()
    resolver = Resolver(project, job.files)
    builder = Builder(module, wanted, None, is_user, resolver, context, seconds=job.timeout)
    if asked.way.construction is not None:
        return builder.nth(asked.way.construction)
    return builder.guess(next(style for style in STYLES if style.name == asked.way.style))


def _until_broken(bench: Bench, asked: TrialJob) -> Iterator[Observation]:
    """The runs in their order; after a fault on the device nothing runs any more."""
    for run in asked.runs:
        seen = observed(bench, run, asked.feed)
        yield seen
        if seen.error is not None and seen.error.kind == "device":
            return
