"""One model of a package: convlint's trace of it against a real run.

The model is run on real tensors (batch 2, weights of any value, training mode where it runs in it), and traced by
convlint with the same inputs, each in a process of its own. It agrees when forward is traced to its end without a
finding, and all calls have the shapes and dtypes of the real run. A model that does not run does not count.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from benchmarks.oracle.child import Lost, in_child
from benchmarks.oracle.sweep.compare import compare
from benchmarks.oracle.sweep.real import real_run
from benchmarks.oracle.sweep.sources import family
from benchmarks.oracle.sweep.subject import Real, Subject, Traced
from benchmarks.oracle.sweep.traced import traced

SECONDS = 60.0
Verdict = Literal["agrees", "differs", "finding", "not traced", "not compared", "real run fails", "cannot be built"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True)
class Result:
    """What became of one model."""

    family: str
    name: str
    verdict: Verdict
    reason: str = ""
    variant: str = ""
    training: bool = True
    inputs: str = ""
    modules: int = 0  # calls of layers that were compared
    functions: int = 0
    unknown: int = 0
    notes: tuple[str, ...] = ()
    seconds_real: float = 0.0
    seconds_trace: float = 0.0


@lru_cache
def subjects(kind: str) -> dict[str, Subject]:
    """The models of a family by name, made once: processes that are forked later have them."""
    return {subject.name: subject for subject in family(kind)}


def swept(kind: str, name: str, seconds: float = SECONDS) -> Result:
    """Run one model with real tensors and in convlint, and hold the one against the other."""
    subject = subjects(kind)[name]
    started = time.perf_counter()
    real = in_child(lambda: real_run(subject), seconds)
    ended = time.perf_counter()
    if isinstance(real, Lost):
        return Result(kind, name, "real run fails", real.reason, seconds_real=ended - started)
    if real.choice is None:
        verdict: Verdict = "cannot be built" if real.failure == "cannot be built" else "real run fails"
        return Result(kind, name, verdict, real.reason, seconds_real=ended - started)
    trace = in_child(lambda: traced(subject, real), seconds)
    took = time.perf_counter() - ended
    if isinstance(trace, Lost):
        trace = Traced(trace.reason)
    return judged(kind, name, real, trace, ended - started, took)


def judged(kind: str, name: str, real: Real, trace: Traced, seconds_real: float, seconds_trace: float) -> Result:
    """The verdict, and what it rests on."""
    verdict: Verdict = "agrees"
    reason, compared = "", None
    if real.failure:  # nobody knows whether these inputs are right
        end = "; ".join(trace.findings) or trace.reason or "traced to its end"
        verdict = "cannot be built" if not trace.is_built else "not compared"
        reason = f"{real.reason}: {end}"
    elif trace.findings:
        verdict, reason = "finding", "; ".join(trace.findings)
    elif trace.reason:
        verdict, reason = "not traced", trace.reason
    else:
        compared = compare(real, trace)
        if compared.difference:
            verdict, reason = "differs", compared.difference
    assert real.choice is not None
    inputs = ", ".join(f"{spec.name or ''}{list(spec.shape or ())}" for spec in real.choice.feed or ())
    return Result(
        family=kind,
        name=name,
        verdict=verdict,
        reason=reason,
        variant=real.choice.label,
        training=real.choice.training,
        inputs=inputs,
        modules=compared.modules if compared else 0,
        functions=compared.functions if compared else 0,
        unknown=compared.unknown if compared else 0,
        notes=trace.notes,
        seconds_real=round(seconds_real, 2),
        seconds_trace=round(seconds_trace, 2),
    )
