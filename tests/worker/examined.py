"""Examinations of models within a budget of work."""

from __future__ import annotations

from torch import nn

from convlint.inputspec import InputSpec
from convlint.worker.analysis.bounded import bounded
from convlint.worker.analysis.session import TraceSession
from convlint.worker.analysis.verdict.examination import Examination
from convlint.worker.build.skeleton import Sites, building, make_fake
from convlint.worker.torch_private.fake import new_mode
from convlint.worker.torch_private.symbols import new_env
from convlint.worker.trace.input import declared
from convlint.worker.trace.work import WorkBudget, WorkSpent


def examined(kind: type[nn.Module], steps: int, *shapes: tuple[int | str, ...]) -> Examination | None:
    """None where not even one run is to be had for so little."""
    mode, sites = new_mode(new_env()), Sites()
    with building(mode, sites):
        model = kind()
    make_fake(model, mode)
    inputs = declared(model, tuple(InputSpec(shape=shape) for shape in shapes), "the test") if shapes else None
    session = TraceSession(model, mode, sites, lambda name: name.endswith("test_work.py"))
    try:
        return bounded(session, inputs, (), (), WorkBudget(steps), 600.0)
    except WorkSpent:
        return None


def found(examination: Examination | None) -> list[tuple[str, object, object]]:
    return (
        []
        if examination is None
        else [(f.violation.name, f.violation.expected, f.violation.actual) for f in examination.findings]
    )
