"""torch.export on a model: whether it exports with open sizes, and whether the program gives what the model gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.export import Dim, ExportedProgram, ShapesCollection

from convlint.facts import Difference, Export, Refusal, RunInput, Scenario
from convlint.worker.torch_private import settle
from convlint.worker.torch_private.modules import plain_module_calls
from convlint.worker.torch_private.symbols import hangs_on_data
from convlint.worker.user_code.time_limit import TimeLimitExceeded, time_limit
from convlint.worker.user_code.wording import said
from convlint.worker.values.nesting import tensors_in
from convlint.worker.verify.bench import Bench
from convlint.worker.verify.device import is_out_of_memory
from convlint.worker.verify.graphs import failed_at, is_about_one
from convlint.worker.verify.likeness import ComparedRun


def export(bench: Bench, feed: Sequence[RunInput], scenarios: Sequence[Scenario], seconds: float) -> Export:
    """Export a model and run the program as in the scenarios in eval mode. Raises nothing that the model raises."""
    settle()
    try:
        with time_limit(seconds), plain_module_calls():
            return _export(bench, feed, [one for one in scenarios if not one.training])
    except TimeLimitExceeded:
        return Export(status="not checked", reason=f"it takes longer than {seconds:.0f} s")


def _export(bench: Bench, feed: Sequence[RunInput], scenarios: Sequence[Scenario]) -> Export:
    usual = scenarios[0]
    if (reason := ComparedRun(bench, feed, usual).why_not()) is not None:
        return Export(status="not checked", reason=reason)
    given = [bench.arguments([item.at(one.sizes) for item in feed]) for one in scenarios]
    opened = _open(given)
    reason, at = None, None
    is_dynamic = opened is not None
    try:
        program = _exported(bench, given[0], opened)
    except Exception as error:
        reason, at = _reason(error), failed_at(error, bench.is_user)
        if is_out_of_memory(error):
            return Export(status="not checked", reason=reason)
        if not is_dynamic:
            return Export(status="failed", reason=reason, at=at)
        try:
            program = _exported(bench, given[0], None)
        except Exception as fixed:
            return Export(status="failed", reason=_reason(fixed), at=failed_at(fixed, bench.is_user) or at)
        is_dynamic = False
    runs = [usual] if reason is not None else scenarios
    return _held(bench, feed, runs, program).model_copy(update={"is_dynamic": is_dynamic, "reason": reason, "at": at})


def _exported(bench: Bench, given: tuple[list[Any], dict[str, Any]], opened: Any) -> Callable[..., Any]:
    """The program as a module. `opened` is a ShapesCollection, which torch takes and does not declare."""
    args, kwargs = given
    bench.restore()
    with bench.running(training=False, is_plain=True):
        program: ExportedProgram = torch.export.export(
            bench.model, tuple(args), dict(kwargs), dynamic_shapes=opened, strict=False
        )
        return program.module()


def _held(bench: Bench, feed: Sequence[RunInput], scenarios: Sequence[Scenario], program: Callable[..., Any]) -> Export:
    """What the program gives in each run."""
    refusals: list[Refusal] = []
    differences: list[Difference] = []
    notes: list[str] = []
    runs = 0
    for scenario in scenarios:
        try:
            like = ComparedRun(bench, feed, scenario).like(program)
        except Exception as error:
            if is_out_of_memory(error):
                notes.append(f"no memory to run it: {said(error)}")
                continue
            refusals.append(Refusal(said=said(error), scenario=scenario, is_expected=is_about_one(said(error))))
            continue
        runs += like.note is None
        if like.difference is not None:
            differences.append(like.difference)
        if like.note is not None:
            notes.append(like.note)
    return Export(
        status="exported",
        runs=runs,
        refusals=tuple(refusals),
        differences=tuple(differences),
        notes=tuple(dict.fromkeys(notes)),
    )


def _open(given: Sequence[tuple[list[Any], dict[str, Any]]]) -> ShapesCollection | None:
    """The sizes that differ between the arguments of several runs, to be left open; None where none does."""
    opened, any_open = ShapesCollection(), False  # type: ignore[no-untyped-call]
    for same in zip(*map(tensors_in, given), strict=False):
        sizes = zip(*(x.shape for x in same), strict=False)
        dims = {dim: Dim.AUTO for dim, found in enumerate(sizes) if len(set(found)) > 1}
        if dims:
            opened[same[0]], any_open = dims, True
    return opened if any_open else None


def _reason(error: Exception) -> str:
    return "a plain number is needed that hangs on the values of a tensor" if hangs_on_data(error) else said(error)
