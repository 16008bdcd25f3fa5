"""convlint's own run of a swept model, as events with the batch of the real run put in."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sympy
from torch import fx

from benchmarks.oracle.sweep.compare import compare
from benchmarks.oracle.sweep.real import said
from benchmarks.oracle.sweep.subject import BATCH, Event, Meta, Real, Subject, Traced, with_contents
from convlint.sentences import sentence
from convlint.worker.analysis.examine import examine
from convlint.worker.analysis.session import Run, RunSpec, TraceSession
from convlint.worker.analysis.verdict.examination import Examination, stopped_at
from convlint.worker.build.skeleton import Sites, building, make_fake
from convlint.worker.stack.users import user_test
from convlint.worker.torch_private.fake import new_mode
from convlint.worker.torch_private.symbols import expr_of, new_env
from convlint.worker.trace.input import declared
from convlint.worker.trace.trace import TensorMeta, tensor_meta
from convlint.worker.trace.trail import Assumption, Stop, reason_of
from convlint.worker.values.nesting import tensors_in
from convlint.worker.values.sizes import holds_at

MOST_FEEDS = 3


def traced(subject: Subject, real: Real) -> Traced:
    """Build a model that was run as a skeleton, examine it, and read the trace in the same mode and at the same batch.

    Where nothing was run on real tensors, the last of the feeds that forward is traced with to its end.
    """
    started = time.perf_counter()
    choice = real.choice
    assert choice is not None
    variant = subject.variants[choice.variant]
    mode, sites = new_mode(new_env()), Sites()
    try:
        with building(mode, sites):
            model = variant.build()
        make_fake(model, mode)
    except Exception as error:
        return Traced(f"its constructor raises on fake tensors: {said(error)}", is_built=False)
    session = _Seeded(model, mode, sites, user_test(subject.home, ()))
    feeds = [choice.feed] if choice.feed is not None else list(variant.feeds(model))[-MOST_FEEDS:]
    trace = Traced("no input is known")
    for feed in reversed(feeds):
        examination = examine(session, declared(session.model, tuple(map(with_contents, feed)), "the sweep"))
        trace = _at_batch(session, examination, real, training=choice.training)
        if not trace.reason:
            break
    return replace(trace, seconds=time.perf_counter() - started)


class _Seeded(TraceSession):
    """Each run starts at the random numbers of the real one, for a forward that draws how many layers it takes."""

    def run(self, run_spec: RunSpec) -> Run:
        random.seed(0)
        return super().run(run_spec)


def _at_batch(session: TraceSession, examination: Examination, real: Real, *, training: bool) -> Traced:
    """The trace in the mode of the real run, its formulas at the real batch.

    Where its conditions do not hold for that batch and its formulas fail there as well, it is made again.
    """
    run = examination.run
    if not training:
        run = session.run(replace(run.run_spec, training=False))
    if "B" in run.run_spec.fixed:
        run = session.run(run.run_spec.at({"B": BATCH}))
    trace = _read(examination, run)
    conditions = [event.condition for event in run.trace.trail.events if isinstance(event, Assumption)]
    if all(holds_at(condition, _values(run)) for condition in conditions) or not compare(real, trace).difference:
        return trace
    trace = _read(examination, session.run(run.run_spec.at({"B": BATCH})))
    return replace(trace, notes=(*trace.notes, "another way at this batch"))


def _read(examination: Examination, run: Run) -> Traced:
    return Traced(
        reason=_reason(examination, run),
        findings=_findings(examination),
        events=tuple(_event(node, run) for node in run.trace.nodes if node.op != "placeholder"),
        outputs=tuple(_meta(tensor_meta(x), _values(run)) for x in tensors_in(run.trace.output)),
        notes=("on numbers",) * bool(run.run_spec.fixed) + ("branches on data",) * bool(run.trace.decisions),
    )


def _values(run: Run) -> Mapping[sympy.Basic, sympy.Basic]:
    return {symbol: sympy.Integer(BATCH) for name, symbol in run.symbols.items() if name == "B"}


def _reason(examination: Examination, run: Run) -> str:
    stopped = stopped_at(examination)
    if stopped is not None and run.run_spec.training:  # the real run is in eval mode where training mode refuses
        return sentence(stopped[0])
    end = run.trace.trail.end()
    if end is None:
        return ""
    where = " (in the mode and at the batch of the real run)" if run is not examination.run else ""
    return f"{'forward stops at an error: ' if isinstance(end, Stop) else ''}{sentence(reason_of(end))}{where}"


def _findings(examination: Examination) -> tuple[str, ...]:
    """Each finding with its layer or function, what was needed, and the line."""
    nodes = examination.run.trace.nodes
    found = []
    for item in examination.findings:
        violation, meta = item.violation, nodes[item.node].meta
        at = f"{violation.at.filename}:{violation.at.row}" if violation.at else ""
        shapes = [m.shape for m in meta["inputs"]]
        found.append(
            f"{violation.name} of {meta['name']} ({violation.layer or nodes[item.node].target}): "
            f"expected {violation.expected}, actual {violation.actual} {violation.detail or ''} {shapes} {at}"
        )
    return tuple(found)


def _event(node: fx.Node, run: Run) -> Event:
    values = _values(run)
    outputs = tuple(_meta(meta, values) for meta in node.meta.get("outputs", ()))
    if node.op == "call_module":
        return Event("module", str(node.target), "", outputs)
    return Event("function", node.meta["block"], node.meta["name"], outputs)


def _meta(meta: TensorMeta, values: Mapping[sympy.Basic, sympy.Basic]) -> Meta:
    return tuple(_number(size, values) for size in meta.shape), meta.dtype


def _number(size: Any, values: Mapping[sympy.Basic, sympy.Basic]) -> int | str:
    value = expr_of(size).xreplace(dict(values))
    return int(value) if value.is_Integer else str(value)
