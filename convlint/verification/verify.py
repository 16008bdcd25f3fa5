"""The pass after the linter: each model is run on a device, and the results are compared with the predictions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from convlint.check import CheckResult, Gathered, Options, RulesByFile, diagnose_all, gather, settings_for
from convlint.complaint import Complaint
from convlint.config import VerifySettings
from convlint.facts import Device, FileFacts, Verification
from convlint.jobs import Job, Verify
from convlint.pool.pool import WorkerPool
from convlint.pool.serving import ServerError, ServerProcess
from convlint.progress import watched
from convlint.protocol.engines import TRIALS
from convlint.report import Report
from convlint.rounds import CannotRun
from convlint.sentences import sentence
from convlint.verification.edits import Edited, edited
from convlint.verification.judge import judged
from convlint.verification.trials import edited_job, trial_job

_PROBE_SECONDS = 120.0


class DeviceMissing(Complaint):
    """The device that models are to be run on is not there, and the user insists on it."""


@dataclass(frozen=True, slots=True)
class Request:
    """How models are to be run, and within which limits."""

    verify: Verify
    timeout: float = 600.0  # seconds for one model
    memory: int = 16384  # megabytes on the host
    device: Device | None = None  # the one that was found

    def on(self, device: Device) -> Request:
        """The same on this device."""
        return replace(self, verify=self.verify.model_copy(update={"device": device.name}), device=device)


def requested(settings: VerifySettings, *, timeout: float | None = None, **asked: Any) -> Request:
    """What is asked for before the configuration; None is what nobody asks for. `asked` are fields of `Verify`."""
    configured = {
        "device": settings.device,
        "precision": settings.dtype,
        "batch": settings.batch,
        "compiles": settings.compile,
        "exports": settings.export,
    }
    wanted = {name: value for name, value in asked.items() if value is not None}
    return Request(Verify(**configured | wanted), timeout=timeout or settings.timeout, memory=settings.memory_limit)


_Place = tuple[int, int]
"""The numbers of a file, and of a model in there."""


@dataclass(frozen=True, slots=True)
class _Subject:
    """One model with what is asked of the device."""

    place: _Place
    job: Job | None
    edited: Edited | None
    edited_job: Job | None


def trial_pool() -> WorkerPool:
    """Where real runs are made, one after the other, so that they have the device to themselves."""
    return WorkerPool(runner=TRIALS)


def device_or_reason(name: str, pool: WorkerPool) -> Device | str:
    """The device of a name, of "auto" the machine's accelerator or else its CPU; or why it is not there."""
    job = Job(
        path="", filename="", module="", search_path=(), models=(), user_roots=(), timeout=_PROBE_SECONDS,
        verify=Verify(device=name),
    )  # fmt: skip
    answer = next(answers_of([job], pool))[1]
    trial = answer.trials[0] if answer.trials else None
    if trial is None:
        return "; ".join(one.message for one in answer.failures) or "no answer came from the device"
    return trial.device or (sentence(trial.reason) if trial.reason is not None else "")


def verify(
    paths: Sequence[str], options: Options, request: Request, pool: WorkerPool, server: ServerProcess | None = None
) -> CheckResult:
    """Lint the paths and run each model in a pool of `trial_pool`; `server` is one for traces that stands by.

    Raises ConfigError for what the user can set right, else CannotRun.
    """
    rules = RulesByFile(paths, options)
    gathered = gather(paths, options, server, meanwhile=rules.read, verify=request.verify)
    subjects = tuple(_subjects(gathered, rules, request))
    verdicts = dict(_verdicts(subjects, gathered.facts, pool, request.device, is_shown=options.shows_progress))
    facts = _with_verdicts(gathered.facts, verdicts)
    require_checked = options.require_checked or settings_for(paths, options).settings.require_checked
    report = Report(
        diagnose_all(facts, rules.rules), facts, len(gathered.found.looked_at), require_checked=require_checked
    )
    return CheckResult(report, gathered.found.problems, gathered.notes, None)


def _subjects(gathered: Gathered, rules: RulesByFile, request: Request) -> Iterator[_Subject]:
    from convlint.rules.apply import diagnose

    jobs = {job.filename: job for job in gathered.jobs}
    for i, file in enumerate(gathered.facts):
        for number, model in enumerate(file.models):
            job = jobs[file.filename].model_copy(update={"timeout": request.timeout, "memory": request.memory})
            # By itself: what two models share is found once among all.
            findings = diagnose(file.model_copy(update={"models": (model,)}), rules.rules[file.filename])
            changed = edited(findings)
            other = edited_job(job, model, changed.texts) if changed is not None else None
            yield _Subject((i, number), trial_job(job, model), changed, other)


def _verdicts(
    subjects: Sequence[_Subject],
    facts: Sequence[FileFacts],
    pool: WorkerPool,
    device: Device | None,
    *,
    is_shown: bool,
) -> Iterator[tuple[_Place, Verification]]:
    """Each model is judged as soon as its runs are made: what they saw is not kept for all models."""

    def verdict(one: _Subject, actual: Mapping[bool, FileFacts]) -> Verification:
        is_whole = one.edited is not None and one.edited.is_whole
        model = facts[one.place[0]].models[one.place[1]]
        return judged(model, actual.get(False), actual.get(True), is_whole=is_whole, device=device)

    both = ((one, *each) for one in subjects for each in ((False, one.job), (True, one.edited_job)))
    asked = [(one, is_edited, job) for one, is_edited, job in both if job is not None]
    left = Counter(one.place for one, _, _ in asked)
    actual: dict[_Place, dict[bool, FileFacts]] = defaultdict(dict)
    answers = watched(answers_of([job for *_, job in asked], pool), len(asked), is_shown=is_shown, noun="models")
    for number, answer in answers:
        one, is_edited, _ = asked[number]
        actual[one.place][is_edited] = answer
        left[one.place] -= 1
        if not left[one.place]:
            yield one.place, verdict(one, actual.pop(one.place))
    yield from ((one.place, verdict(one, {})) for one in subjects if one.place not in left)


def answers_of(jobs: Sequence[Job], pool: WorkerPool) -> Iterator[tuple[int, FileFacts]]:
    try:
        yield from pool.answers(jobs)
    except ServerError as error:
        raise CannotRun(str(error)) from None


def _with_verdicts(facts: Sequence[FileFacts], verdicts: Mapping[_Place, Verification]) -> tuple[FileFacts, ...]:
    """The facts with what real runs made of the predictions, in place of these."""
    return tuple(
        file.model_copy(
            update={
                "models": tuple(
                    model.model_copy(update={"verification": verdicts[i, number], "predictions": ()})
                    for number, model in enumerate(file.models)
                )
            }
        )
        for i, file in enumerate(facts)
    )
