"""Calls in a program outside of models, each checked as the forward of a model of its own: losses, metrics, layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from convlint.facts import InputFact, ModelFacts, Node, Span, TensorFact, Violation
from convlint.inputspec import InputSpec
from convlint.jobs import ModelJob
from convlint.notebook import line_of
from convlint.ops.requirements import requirement_kind
from convlint.worker.analysis.bounded import LEAST_STEPS, bounded
from convlint.worker.analysis.inference import hints
from convlint.worker.analysis.inference.evidence import Evidence
from convlint.worker.analysis.model_facts import model_facts
from convlint.worker.analysis.session import TraceSession
from convlint.worker.build.skeleton import Sites
from convlint.worker.dry_run.record import ProgramCall
from convlint.worker.dry_run.specs import NoInput, map_tensors, spec_of
from convlint.worker.stack.users import IsUser
from convlint.worker.torch_private.fake import FakeTensorMode
from convlint.worker.trace.confirm import Unconfirmed, refusal
from convlint.worker.trace.input import declared
from convlint.worker.trace.work import WorkBudget, WorkSpent
from convlint.worker.user_code.time_limit import TimeLimitExceeded
from convlint.worker.values.nesting import tensors_in

_SECONDS = 5.0


class _Line(nn.Module):
    """One call as a model: its tensors are inputs, all else is as the program has it."""

    def __init__(self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        super().__init__()
        self.function = function
        self._given = (tuple(args), dict(kwargs))

    def forward(self, *tensors: torch.Tensor) -> Any:
        left = list(tensors)
        args, kwargs = map_tensors(self._given, lambda _: left.pop(0))
        return self.function(*args, **kwargs)


@dataclass(frozen=True)
class LineChecker:
    """Checks the lines of one program."""

    stem: str
    shown: Callable[[str], str]
    mode: FakeTensorMode
    is_user: IsUser

    def facts(self, call: ProgramCall) -> ModelFacts | None:
        """What is wrong with a call; None where nothing is."""
        found = self._examined(call)
        if found is not None and any(node.violations for node in found.nodes):
            return found
        return self._refused(call) if call.raised is not None else None

    def _examined(self, call: ProgramCall) -> ModelFacts | None:
        source = f"{self.shown(call.at.filename)}, {line_of(call.at.filename, call.at.row)}"
        line = _Line(call.function, call.args, call.kwargs)
        try:
            specs = tuple(spec_of(x) for x in tensors_in(line._given))  # noqa: SLF001 - of this module
        except NoInput:
            return None
        given = hints.fed(specs)
        inputs, exact = (given.inputs, given.exact) if given is not None else (specs, specs)
        found = [self._evidence(line, inputs, exact, source)]
        session = TraceSession(line, self.mode, Sites(), self.is_user)
        try:
            examination = bounded(session, None, found, (), WorkBudget(LEAST_STEPS), _SECONDS)
        except (WorkSpent, TimeLimitExceeded, MemoryError):
            return None
        if examination.doubt is not None:
            return None
        wanted = ModelJob(target=_title(call), kind="instance", row=call.at.row)
        facts = model_facts(f"{self.stem}.{_title(call)}", wanted, examination, Sites(), line, self.is_user)
        nodes = tuple(_at_the_line(node, call) for node in facts.nodes)
        return facts.model_copy(update={"nodes": nodes, "basis": "evidence", "violations": ()})

    def _evidence(
        self, line: nn.Module, inputs: tuple[InputSpec, ...], exact: tuple[InputSpec, ...], source: str
    ) -> Evidence:
        made = declared(line, inputs, source)
        return Evidence(source, True, made, {}, is_certain=True, exact=declared(line, exact, source))

    def _refused(self, call: ProgramCall) -> ModelFacts | None:
        """What torch itself says of a call, where it says so of real tensors as well."""
        try:
            error = refusal(call.function, tuple(call.args), dict(call.kwargs))
        except Unconfirmed:
            return None
        if error is None or call.raised is None:
            return None
        tensors = list(tensors_in((tuple(call.args), dict(call.kwargs))))
        facts = tuple(_tensor(x) for x in tensors)
        violation = Violation(name="raises", operand="inputs", detail=str(error).splitlines()[0], at=call.at)
        entries = [
            Node(id=number, name=f"input{number}", op="input", target=f"input{number}", outputs=(one,))
            for number, one in enumerate(facts)
        ]
        node = Node(
            id=len(entries),
            name="call",
            op="function",
            target=call.name,
            call=call.at,
            inputs=facts,
            producers=tuple(range(len(entries))),
            violations=(violation,),
        )
        return ModelFacts(
            name=f"{self.stem}.{_title(call)}",
            target=_title(call),
            row=call.at.row,
            status="partial",
            basis="evidence",
            inputs=tuple(InputFact(name=one.name, shape=one.outputs[0].shape, dtype=None) for one in entries),
            nodes=(*entries, node),
        )


def _tensor(x: torch.Tensor) -> TensorFact:
    return TensorFact(shape=tuple(int(size) for size in x.shape), dtype=str(x.dtype).removeprefix("torch."))


def _title(call: ProgramCall) -> str:
    return call.name.rpartition(".")[2]


def _at_the_line(node: Node, call: ProgramCall) -> Node:
    """A node of the call that stands in for the program's line."""
    if node.op == "input":
        return node
    kept = tuple(
        _placed(one, call.at)
        for one in node.violations
        if call.raised is not None or requirement_kind(one.name).outlives_a_run
    )
    return node.model_copy(update={"call": call.at, "violations": kept})


def _placed(violation: Violation, at: Span) -> Violation:
    return violation.model_copy(update={"at": violation.at or at})
