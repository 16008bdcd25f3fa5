"""torch.compile on a model: the graphs that it makes of forward, and whether they give what the model gives."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from convlint.facts import Compilation, Difference, GraphBreak, Recompilation, RunInput, Scenario
from convlint.worker.torch_private.compiler import CompilerLog, is_of_tools, no_toolchain, prepare_compiler, root_of
from convlint.worker.torch_private.modules import plain_module_calls
from convlint.worker.trace.input import BATCH
from convlint.worker.user_code.time_limit import TimeLimitExceeded, time_limit
from convlint.worker.user_code.wording import said
from convlint.worker.verify.bench import Bench
from convlint.worker.verify.device import is_out_of_memory
from convlint.worker.verify.graphs import breaks, failed_at, recompilations
from convlint.worker.verify.likeness import ComparedRun

DEFAULT, WITHOUT_TOOLS = "inductor", "aot_eager"


@dataclass
class _Work:
    """What has come out so far: it stands where the time is over."""

    backend: str
    made: int = 0
    runs: int = 0  # of those made, what could be compared
    graphs: int | None = None
    breaks: dict[object, GraphBreak] = field(default_factory=dict)  # by line
    recompilations: list[Recompilation] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def facts(self, status: Any, **more: Any) -> Compilation:
        return Compilation(
            status=status,
            backend=self.backend,
            runs=self.runs,
            graphs=self.graphs,
            breaks=tuple(self.breaks.values()),
            recompilations=tuple(self.recompilations),
            differences=tuple(self.differences),
            notes=tuple(dict.fromkeys(self.notes)),
            **more,
        )


def compilation(bench: Bench, feed: Sequence[RunInput], scenarios: Sequence[Scenario], seconds: float) -> Compilation:
    """Compile a model and run it as in the scenarios, which run as they are. Raises nothing that the model raises."""
    prepare_compiler(tempfile.gettempdir())
    missing = no_toolchain(bench.device.type)
    work = _Work(DEFAULT if missing is None else WITHOUT_TOOLS)
    if missing is not None:
        work.notes.append(f"{DEFAULT} cannot work here: {missing}")
    ordered = _ordered(scenarios)
    try:
        with time_limit(seconds), plain_module_calls():
            if (reason := ComparedRun(bench, feed, ordered[0]).why_not()) is not None:
                return work.facts("not checked", reason=reason)
            found = _compiled(bench, feed, ordered, work)
            if isinstance(found, BaseException):  # a program that the compiler needs
                note = f"{DEFAULT} cannot work here: {said(found)}"
                work = _Work(WITHOUT_TOOLS, notes=[note])
                found = _compiled(bench, feed, ordered, work)
            return found if isinstance(found, Compilation) else work.facts("not checked", reason=said(found))
    except TimeLimitExceeded:
        work.notes.append(f"stopped after {seconds:.0f} s")
        if work.made:
            return work.facts("compiled")
        return work.facts("not checked", reason="it takes longer than there is time")


def _ordered(scenarios: Sequence[Scenario]) -> list[Scenario]:
    """In eval mode the usual run twice, other sizes in its batch, what has a size of 1 last; then training mode.

    Torch compiles for a size of 1 in any case, which would hide why it compiles again.
    """
    usual, *others = [one for one in scenarios if not one.training]
    batch = {name: size for name, size in usual.sizes.items() if name == BATCH}
    others = [
        one if one.title == usual.title else one.model_copy(update={"sizes": {**one.sizes, **batch}}) for one in others
    ]
    others.sort(key=lambda one: 1 in one.sizes.values())
    training = [one for one in scenarios if one.training and one.sizes == usual.sizes]
    return [usual, usual, *others, *training[:1]]


def _compiled(
    bench: Bench, feed: Sequence[RunInput], scenarios: Sequence[Scenario], work: _Work
) -> Compilation | BaseException:
    """All runs; or the failure of a program that the compiler needs."""
    log = CompilerLog()
    model = torch.compile(bench.model, backend=work.backend)
    for number, scenario in enumerate(scenarios):
        repeats = number > 0 and scenario == scenarios[number - 1]
        try:
            like = ComparedRun(bench, feed, scenario).like(model)
        except Exception as error:
            if is_of_tools(error):
                return error
            if is_out_of_memory(error):
                work.notes.append(f"no memory to compile: {said(error)}")
                return work.facts("compiled") if work.made else work.facts("not checked", reason="there is no memory")
            if (reason := ComparedRun(bench, feed, scenario).why_not()) is not None:
                return work.facts("not checked", reason=reason)
            return work.facts(
                "failed", reason=said(root_of(error)), scenario=scenario, at=failed_at(error, bench.is_user)
            )
        work.made += 1
        work.runs += like.note is None
        _note(log, work, scenario, bench, is_first=number == 0, repeats=repeats)
        if like.difference is not None:
            work.differences.append(like.difference)
        if like.note is not None:
            work.notes.append(like.note)
    return work.facts("compiled")


def _note(log: CompilerLog, work: _Work, scenario: Scenario, bench: Bench, *, is_first: bool, repeats: bool) -> None:
    """What the compiler did in a run. In the first one, and in another mode, all is compiled for the first time."""
    news = log.news()
    if news is None:
        work.notes.append("graph breaks and recompilations are not known with this torch")
        return
    for one in breaks(news, bench.is_user):
        work.breaks.setdefault((one.at.filename, one.at.row) if one.at is not None else one.reason, one)
    if is_first:
        work.graphs = news.graphs
    elif not scenario.training:
        work.recompilations.extend(
            recompilations(news, tuple(work.recompilations), scenario, bench.is_user, repeats=repeats)
        )
