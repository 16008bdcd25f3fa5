"""One run of forward at given sizes: fake inputs in, a trace and its symbols out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sympy
import torch
from torch import nn

from convlint.worker.inputs import BATCH, Input, bounds, make, symbols_of
from convlint.worker.sizes import Size
from convlint.worker.skeleton import Sites
from convlint.worker.torch_private import FakeTensorMode, SizeEnv, new_env, new_symbol, set_env
from convlint.worker.trace import MAX_NODES, Setting, Trace
from convlint.worker.tracer import ShapeTracer
from convlint.worker.users import IsUser


@dataclass(frozen=True)
class Course:
    """How a run is to be made. `sizes` has a number for every symbol of the inputs; those in `fixed` are plain ints."""

    inputs: tuple[Input, ...]
    sizes: Mapping[str, int]
    fixed: frozenset[str] = frozenset()
    choices: tuple[int, ...] = ()
    decisions: tuple[bool, ...] = ()
    training: bool = True
    limit: int | None = None  # stop after so many calls

    def at(self, sizes: Mapping[str, int]) -> Course:
        """The same course at other sizes."""
        return replace(self, sizes={**self.sizes, **sizes})


@dataclass(frozen=True)
class Run:
    """A finished trace and the names of its symbols."""

    course: Course
    trace: Trace
    symbols: Mapping[str, sympy.Symbol]  # by name; only those that were symbolic
    batch: Size | None

    @property
    def names(self) -> dict[sympy.Symbol, str]:
        return {symbol: name for name, symbol in self.symbols.items()}


def run_forward(model: nn.Module, mode: FakeTensorMode, course: Course, is_user: IsUser) -> Run:
    """Trace the model's forward once."""
    names = symbols_of(course.inputs)
    free = [name for name in names if name not in course.fixed]
    env = new_env() if free else None
    set_env(mode, env)
    sizes: dict[str, Size] = {name: course.sizes[name] for name in names}
    symbols: dict[str, sympy.Symbol] = {}
    if env is not None:
        for name in free:
            sizes[name], symbols[name] = _symbol(env, name, course.sizes[name])
    batch = _batch(course.inputs, sizes)
    hints = {symbol: sympy.Integer(course.sizes[name]) for name, symbol in symbols.items()}
    for module in model.modules():  # not by `train()`, which user code may have made something else of
        module.training = course.training
    with mode, torch.no_grad():
        values = [(item, make(item.spec, sizes)) for item in course.inputs]
        setting = Setting(
            env=env,
            hints=hints,
            batch=batch,
            is_user=is_user,
            choices=course.choices,
            decisions=course.decisions,
            limit=course.limit or MAX_NODES,
            bounds=dict(bound for item, value in values for bound in bounds(item.spec, value)),
        )
        tracer = ShapeTracer(model, setting)
        trace = tracer.run(
            [value for item, value in values if not item.keyword],
            {item.name: value for item, value in values if item.keyword},
            [item.name for item in sorted(course.inputs, key=lambda item: item.keyword)],
        )
    return Run(course, trace, symbols, batch)


def _symbol(env: SizeEnv, name: str, size: int) -> tuple[Size, sympy.Symbol]:
    if size < 2:
        raise ValueError(f"the symbol {name} cannot stand for {size}")
    return new_symbol(env, name, size)


def _batch(inputs: Sequence[Input], sizes: Mapping[str, Size]) -> Size | None:
    """The model's batch: the symbol B, else the first dim of an input of at least two dims."""
    if BATCH in sizes:
        return sizes[BATCH]
    for item in inputs:
        shape = item.spec.shape
        if shape is not None and len(shape) > 1:
            first = shape[0]
            return sizes[first] if isinstance(first, str) else first
    return None


@dataclass(frozen=True)
class Workshop:
    """What every run of one model shares."""

    model: nn.Module
    mode: FakeTensorMode
    sites: Sites
    is_user: IsUser
    is_plain: bool = False  # every symbol is a plain number

    def run(self, course: Course) -> Run:
        if self.is_plain:
            course = replace(course, fixed=frozenset(course.sizes))
        return run_forward(self.model, self.mode, course, self.is_user)
