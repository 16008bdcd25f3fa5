"""One call in symbols next to the same call in torch: a helper of the tests of operators."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy
import torch
from hypothesis import assume
from torch import nn

from convlint.inputspec import InputSpec
from convlint.worker.analysis.session import Run, RunSpec, run_forward
from convlint.worker.build.skeleton import make_fake
from convlint.worker.torch_private.fake import new_mode
from convlint.worker.torch_private.symbols import expr_of, new_env
from convlint.worker.trace.input import Input, hint, symbols_of
from convlint.worker.trace.trail import Stop, TraceStopped

AXES = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}
Sizes = dict[str, int]


class Calls(nn.Module):
    """A net that makes one call."""

    def __init__(self, call: Callable[..., Any]) -> None:
        super().__init__()
        self.call = call

    def forward(self, x: torch.Tensor) -> Any:
        return self.call(x)


@dataclass(frozen=True)
class Case:
    """A net, the shape of its input in symbols, and the sizes it is asked about."""

    model: nn.Module
    shape: tuple[int | str, ...]
    sizes: Sizes

    def run(self) -> Run:
        model, mode = copy.deepcopy(self.model), new_mode(new_env())
        make_fake(model, mode)
        inputs = (Input("x", InputSpec(shape=self.shape), "test"),)
        return run_forward(model, mode, RunSpec(inputs, {n: hint(n) for n in symbols_of(inputs)}), lambda _: True)

    def in_torch(self) -> tuple[int, ...] | None:
        """The shape that torch gives, None where it refuses."""
        x = torch.zeros([self.sizes[n] if isinstance(n, str) else n for n in self.shape])
        try:
            with torch.no_grad():
                return tuple(self.model(x).shape)
        except (RuntimeError, ValueError, IndexError):
            return None


def said(run: Run, sizes: Sizes) -> tuple[int, ...] | str | None:
    """What the run says of these sizes: a shape, None for a refusal, "elsewhere" where another path decides."""
    values = {symbol: sympy.Integer(sizes[name]) for name, symbol in run.symbols.items()}
    for event in run.trace.trail.events:
        if isinstance(event, TraceStopped):
            return "elsewhere"
        holds = not isinstance(event, Stop) and event.condition.xreplace(values).doit() == sympy.true
        if not holds:
            return None if hasattr(event, "key") else "elsewhere"
    return tuple(int(expr_of(size).xreplace(values)) for size in run.trace.output.shape)


def check(case: Case) -> None:
    run = case.run()
    verdict = said(run, case.sizes)
    assume(verdict != "elsewhere")
    assert verdict == case.in_torch()
