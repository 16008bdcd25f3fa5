"""The verdict on one model: all its predictions and all its real runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from convlint.facts import (
    Device,
    Failure,
    FileFacts,
    ModelFacts,
    Observation,
    Prediction,
    RunCall,
    RunOutcome,
    Span,
    TrialFacts,
    Trouble,
    TroubleKind,
    Verification,
    VerificationStatus,
    Weight,
)
from convlint.facts.wording import scenario_text
from convlint.sentences import sentence
from convlint.verification.compare import Comparison, compare
from convlint.verification.compiled import troubles_of

OWN_FAULTS: frozenset[TroubleKind] = frozenset(
    {"raises", "runs", "edit", "shape", "dtype", "device", "layout", "order"}
)
"""What refutes convlint itself."""
_DEVICE_FAULTS: frozenset[TroubleKind] = frozenset({"memory", "fault"})
"""What ends a run for a reason that convlint has no say in."""
_BEFORE = "before any run"


def judged(
    model: ModelFacts, answer: FileFacts | None, edited: FileFacts | None, *, is_whole: bool, device: Device | None
) -> Verification:
    """What the real runs say of a model on a device.

    `answer` is None where none were made; `is_whole` as of `Edited`.
    """
    if answer is None:
        return Verification(status="not verified", reason=why_not(model))
    trial = answer.trials[0] if answer.trials else None
    if trial is None:
        return _failed(answer.failures, device)
    if trial.reason is not None:
        return _never_run(model, trial, sentence(trial.reason))
    pairs = list(zip(model.predictions, trial.observations, strict=False))
    kind = trial.device.name.partition(":")[0] if trial.device is not None else None
    comparisons = [compare(prediction, seen, kind) for prediction, seen in pairs]
    edits = _Edits.of(edited) if edited is not None and is_whole else _Edits()
    found = tuple(_distinct([*_compared(trial, comparisons), *_beside(trial), *edits.troubles]))
    status, reason = _status(model, comparisons, found)
    return Verification(
        status=status,
        reason=reason,
        device=trial.device,
        runs=tuple(_outcome(*pair, one) for pair, one in zip(pairs, comparisons, strict=True)),
        requirements=_confirmed(model, comparisons),
        edits=edits.run,
        troubles=found,
        budget=trial.budget,
        compilation=trial.compilation,
        export=trial.export,
    )


def _never_run(model: ModelFacts, trial: TrialFacts, reason: str) -> Verification:
    """Where no run of a model began."""
    if model.violations:  # its constructor was to raise
        return Verification(status="confirmed", device=trial.device, requirements=len(model.violations))
    hungry = (_out_of_memory(reason, trial.at),) if trial.is_hungry else ()
    return Verification(status="not verified", reason=reason, device=trial.device, troubles=hungry)


def _compared(trial: TrialFacts, comparisons: Sequence[Comparison]) -> list[Trouble]:
    """Where the runs leave the predictions."""
    troubles = [trouble for one in comparisons for trouble in one.troubles]
    if trial.unfit:  # whatever else is not finite comes from there
        return [one for one in troubles if one.kind != "not-finite"]
    return troubles


def _beside(trial: TrialFacts) -> Iterator[Trouble]:
    """What the runs show that no prediction speaks of."""
    yield from _unfit(trial)
    yield from _idle(trial.observations)
    yield from troubles_of(trial)


@dataclass(frozen=True, slots=True)
class _Edits:
    """What the model with the offered edits did, where it was run."""

    run: bool | None = None
    troubles: tuple[Trouble, ...] = ()

    @classmethod
    def of(cls, answer: FileFacts) -> _Edits:
        """Of the answer to the edited model's runs."""
        run = _runs(answer)
        return cls(run, () if run else tuple(_edit_troubles(answer)))


def _failed(failures: Sequence[Failure], device: Device | None) -> Verification:
    """Where the process of a model came to no end."""
    hungry = tuple(_out_of_memory(one.message, one.at) for one in failures if one.kind == "memory")
    reason = "; ".join(one.message for one in failures)
    return Verification(status="not verified", reason=reason, device=device, troubles=hungry)


def _out_of_memory(said: str, at: Span | None) -> Trouble:
    return Trouble(kind="memory", said=said, scenario=_BEFORE, at=at)


def _status(
    model: ModelFacts, comparisons: Sequence[Comparison], found: Sequence[Trouble]
) -> tuple[VerificationStatus, str | None]:
    """The verdict, and why it stands for a part of the model or of the runs only."""
    lost = len(model.predictions) - len(comparisons)
    reason = f"{lost} runs were not made" if lost else _in_part(model)
    if any(one.kind in OWN_FAULTS for one in found):
        return "refuted", reason
    ended = [next((one.said for one in run.troubles if one.kind in _DEVICE_FAULTS), None) for run in comparisons]
    if all(ended):  # also where nothing was run
        return "not verified", next(iter(ended), reason)
    return "confirmed", reason


def _confirmed(model: ModelFacts, comparisons: Sequence[Comparison]) -> int:
    """How many of the mistakes found were refused: a guessed model may have others, which are not findings."""
    refused = {
        _place(prediction.calls[number])
        for prediction, one in zip(model.predictions, comparisons, strict=False)
        for number in one.confirmed
    }
    return sum((node.layer, node.target, node.call) in refused for node in model.nodes if node.violations)


def _place(call: RunCall) -> tuple[object, ...]:
    return call.layer, call.target, call.at


def why_not(model: ModelFacts) -> str:
    if model.reason is not None:
        return sentence(model.reason)
    return "its inputs cannot be written down" if not model.predictions else "it cannot be built once more"


def _in_part(model: ModelFacts) -> str | None:
    return sentence(model.reason) if model.status == "partial" and model.reason is not None else None


def _outcome(prediction: Prediction, seen: Observation, comparison: Comparison) -> RunOutcome:
    kinds = {one.kind for one in comparison.troubles}
    scenario, compared, seconds = seen.scenario, comparison.compared, seen.seconds
    if "memory" in kinds:
        return RunOutcome(scenario=scenario, outcome="out of memory", calls=compared, seconds=seconds)
    if kinds & (OWN_FAULTS | {"fault", "stops"}):
        return RunOutcome(scenario=scenario, outcome="differs", calls=compared, seconds=seconds)
    refused = prediction.refused and comparison.confirmed
    return RunOutcome(
        scenario=scenario,
        outcome="refused as predicted" if refused else "agrees",
        calls=compared,
        seconds=seconds,
    )


def _runs(answer: FileFacts) -> bool:
    """Whether forward came through in every run."""
    return all(trial.reason is None and all(one.error is None for one in trial.observations) for trial in answer.trials)


def _edit_troubles(answer: FileFacts) -> Iterator[Trouble]:
    """What the model with the offered edits still raises."""
    for trial in answer.trials:
        if trial.reason is not None:
            yield Trouble(kind="edit", said=sentence(trial.reason), at=trial.at)
        for seen in trial.observations:
            error, scenario = seen.error, scenario_text(seen.scenario)
            if error is not None:
                yield Trouble(kind="edit", said=error.message, call=error.layer, scenario=scenario, at=error.at)


def _unfit(trial: TrialFacts) -> Iterator[Trouble]:
    """Weights that are not numbers, those of one layer together; all that they touch is none either."""
    for owner, names, at in _by_layer(trial.unfit):
        said = f"{_titled(owner, names)} of a new model holds nan or inf: nothing initialises it"
        yield Trouble(kind="not-finite", said=said, call=owner or names, scenario=_BEFORE, at=at)


def _idle(observations: Sequence[Observation]) -> Iterator[Trouble]:
    """The parameters that no backward pass reaches, those of one layer together."""
    passes = [one for one in observations if _is_whole_pass(one)]
    if not passes:
        return
    lost = set.intersection(*({weight.name for weight in one.without_gradient} for one in passes))
    idle = [weight for weight in passes[0].without_gradient if weight.name in lost]
    for owner, names, at in _by_layer(idle):
        said = f"no gradient reaches {_titled(owner, names)}"
        scenario = scenario_text(passes[0].scenario)
        yield Trouble(kind="no-gradient", said=said, call=owner or names, scenario=scenario, at=at)


def _is_whole_pass(run: Observation) -> bool:
    """Whether a run went forward and back with nothing in its way."""
    return run.scenario.training and run.error is None and run.note is None and not run.refused


def _by_layer(weights: Sequence[Weight]) -> Iterator[tuple[str, str, Span | None]]:
    """The path of each layer, the names of its weights, and where it is made."""
    owners: dict[str, list[Weight]] = {}
    for weight in weights:
        owners.setdefault(weight.name.rpartition(".")[0], []).append(weight)
    for owner, found in owners.items():
        yield owner, ", ".join(sorted(weight.name.rpartition(".")[2] for weight in found)), found[0].at


def _titled(owner: str, names: str) -> str:
    return f"`{owner}` ({names})" if owner else f"`{names}`"


def _distinct(troubles: Sequence[Trouble]) -> Iterable[Trouble]:
    """One of each kind and place; what is not finite in one run is so in others, where nobody looked for its call."""
    seen = set()
    for trouble in troubles:
        place = None if trouble.kind == "not-finite" and trouble.scenario != _BEFORE else (trouble.call, trouble.at)
        if (trouble.kind, place) not in seen:
            seen.add((trouble.kind, place))
            yield trouble
