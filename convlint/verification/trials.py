"""From predictions to the jobs of real runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from convlint.facts import ModelFacts, Prediction, RunInput, Scenario
from convlint.jobs import Handed, Job, TrialJob, TrialRun, Verify, Wanted

_WATCHED_RUNS = 2
"""The numbers are looked at in the first runs: usual sizes in both modes."""
_EDITED_RUNS = 2
"""Of a model with the offered edits as many are made."""


def trial_job(job: Job, model: ModelFacts) -> Job | None:
    """The real runs of a model; None where nothing is predicted."""
    runs = tuple(
        TrialRun(
            scenario=one.scenario,
            handed=tuple(_handed(one)),
            watches=number < _WATCHED_RUNS and not one.refused,
        )
        for number, one in enumerate(model.predictions)
    )
    made = _job(job, model, runs)
    if made is None or made.trial is None or made.verify is None:
        return made
    verify = made.verify
    asked = {
        "budget": _measured(model, verify) if verify.measures else None,
        "compiles": verify.compiles,
        "exports": verify.exports,
    }
    return made.model_copy(update={"trial": made.trial.model_copy(update=asked)})


def _measured(model: ModelFacts, verify: Verify) -> Scenario | None:
    """The run whose needs are measured: usual sizes and the batch that the user wants; none of a net with mistakes."""
    usual = model.predictions[0].scenario
    if any(one.refused for one in model.predictions if one.scenario.sizes == usual.sizes):
        return None
    batch = {"B": verify.batch} if verify.batch is not None and usual.batch is not None else {}
    return usual.model_copy(update={"sizes": {**usual.sizes, **batch}})


def edited_job(job: Job, model: ModelFacts, texts: dict[str, str]) -> Job | None:
    """The same model in files with other texts, which is to run without help."""
    runs = tuple(TrialRun(scenario=one.scenario) for one in model.predictions[:_EDITED_RUNS])
    made = _job(job, model, runs)
    return made.model_copy(update={"texts": texts}) if made is not None else None


def wanted_job(job: Job, model: ModelFacts, wanted: Wanted, feed: tuple[RunInput, ...]) -> Job | None:
    """The run in which one number is taken apart."""
    return None if model.way is None else _with_trial(job, TrialJob(way=model.way, feed=feed, wanted=wanted))


def _job(job: Job, model: ModelFacts, runs: tuple[TrialRun, ...]) -> Job | None:
    if not runs or model.way is None:
        return None
    return _with_trial(job, TrialJob(way=model.way, feed=model.feed, runs=runs))


def _with_trial(job: Job, trial: TrialJob) -> Job | None:
    if trial.way.model >= len(job.models):
        return None
    return job.model_copy(update={"models": (job.models[trial.way.model],), "trial": trial})


def _handed(prediction: Prediction) -> Iterator[Handed]:
    """The results of the calls that are expected to be refused."""
    refused = {one.call for one in prediction.refused}
    seen: Counter[tuple[object, ...]] = Counter()
    for i, call in enumerate(prediction.calls):
        if i in refused and call.outputs:
            yield Handed(call=call, number=seen[call.key])
        seen[call.key] += 1
