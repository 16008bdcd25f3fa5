"""Predictions: a model's forward traced at the sizes, in the modes and in the precision of a real run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from torch import fx

from convlint.facts import Prediction, Reason, RefusedCallFact, RunCall, RunInput, Scenario
from convlint.inputspec import InputSpec
from convlint.jobs import Verify
from convlint.worker.analysis.session import Run, RunSpec, TraceSession
from convlint.worker.analysis.verdict.examination import Examination
from convlint.worker.stack.places import span_of
from convlint.worker.trace.trace import Trace
from convlint.worker.trace.trail import Requirement, Stop, TraceStopped
from convlint.worker.user_code.time_limit import TimeLimitExceeded, time_limit
from convlint.worker.values.arrays import arrays
from convlint.worker.values.precision import AUTOCAST, lowered
from convlint.worker.verify.predicting.precise import precise, without_dtypes
from convlint.worker.verify.predicting.scenarios import scenarios
from convlint.worker.verify.predicting.spread import lacks_spread


def feed_of(examination: Examination) -> tuple[RunInput, ...]:
    """What goes into forward; nothing where no input is known, or one cannot be written down."""
    inputs = examination.run.run_spec.inputs
    if examination.doubt is not None or not all(_is_plain(item.spec) for item in inputs):
        return ()
    return tuple(
        RunInput(name=item.name, spec=item.spec, keyword=item.keyword, within=item.within, filled=item.filled)
        for item in inputs
    )


def predictions(
    session: TraceSession, examination: Examination, wanted: Verify, seconds: float
) -> Iterator[Prediction]:
    """What each run that the model is to be verified in will do, as far as the time allows."""
    run_spec = replace(examination.run.run_spec, limit=None)
    found = scenarios(examination.outcome, run_spec.sizes, wanted.batch)
    inputs = tuple(replace(item, spec=lowered(item.spec, wanted.precision)) for item in run_spec.inputs)
    is_open = wanted.precision in AUTOCAST  # each kind of device has dtypes of its own, and fake kernels none
    with suppress(TimeLimitExceeded), time_limit(seconds), precise(session, wanted.precision) as precise_session:
        for scenario in found:
            one = predict(precise_session, replace(run_spec, inputs=inputs), scenario)
            yield without_dtypes(one) if is_open else one


def _is_plain(spec: InputSpec) -> bool:
    """Whether an input can be written down: one that is an object of the user's cannot."""
    try:
        json.dumps(spec.model_dump())
    except (TypeError, ValueError):
        return False
    return True


def predict(session: TraceSession, run_spec: RunSpec, scenario: Scenario) -> Prediction:
    """Trace forward under one scenario; where the run takes repairs or branches, the same ones."""
    run_spec = replace(
        run_spec.at(scenario.sizes),
        fixed=frozenset(run_spec.sizes),
        training=scenario.training,
        is_quick=False,
    )
    run = session.run(run_spec)
    trace = run.trace
    stopped = isinstance(trace.trail.end(), TraceStopped)
    # The call that a trace halts at has given nothing.
    calls = [node for node in trace.nodes if node.op != "placeholder" and not (stopped and "outputs" not in node.meta)]
    numbers = {node: i for i, node in enumerate(calls)}
    return Prediction(
        scenario=scenario,
        calls=tuple(_call(node) for node in calls),
        outputs=arrays(trace.output, on_device=False),
        refused=tuple(_refused(trace, numbers)),
        end=_end(run),
        is_one_of_several=bool(trace.decisions),
    )


def _call(node: fx.Node) -> RunCall:
    meta = node.meta
    place = meta["place"]
    writes = meta["name"].endswith("__setitem__")
    return RunCall(
        target=meta["name"],
        layer=str(node.target) if node.op == "call_module" else None,
        block=meta["block"],
        at=span_of(place) if place else None,
        outputs=() if writes else arrays(meta.get("val"), on_device=False),
    )


def _refused(trace: Trace, numbers: Mapping[fx.Node, int]) -> Iterator[RefusedCallFact]:
    """The calls that torch will not take, each once, and the last one where forward ends in an error."""
    seen: set[int] = set()
    events: tuple[Requirement | Stop, ...] = (*trace.trail.broken(), *_stops(trace))
    for event in events:
        if event.node is None or trace.nodes[event.node] not in numbers:
            continue
        call = numbers[trace.nodes[event.node]]
        if call not in seen:
            seen.add(call)
            yield RefusedCallFact(call=call, what=event.name if isinstance(event, Requirement) else event.words)
    for node, call in numbers.items():
        if call not in seen and lacks_spread(node):
            yield RefusedCallFact(call=call, what="more than one value in each channel")


def _stops(trace: Trace) -> Sequence[Stop]:
    end = trace.trail.end()
    return [end] if isinstance(end, Stop) else []


def _end(run: Run) -> Reason | None:
    """Why the prediction holds up to its last call only."""
    end = run.trace.trail.end()
    if isinstance(end, TraceStopped):
        return end.reason
    return None
