"""The real run: the model with its weights on real tensors of batch 2, every call written down."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from benchmarks.oracle.parameters import TooLarge, limited
from benchmarks.oracle.sweep.subject import BATCH, Choice, Event, Feed, Meta, Real, Subject, with_contents
from convlint.inputspec import InputSpec
from convlint.worker.torch_private.modules import module_calls
from convlint.worker.trace.trace import function_name
from convlint.worker.values.nesting import tensors_in

MOST_PARAMETERS = 300_000_000
"""Larger models are only traced: they repeat the layers of smaller ones, and a real run takes minutes."""


def real_run(subject: Subject) -> Real:
    """The first variant that is built and the first feed that it takes, in training mode if that runs, else in eval.

    Where none is, the first failure: of a run, else of a build.
    """
    failures = []
    _as_if_fake()
    for i, variant in enumerate(subject.variants):
        try:
            with limited(MOST_PARAMETERS):
                torch.manual_seed(0)
                model = variant.build()
            fill(model)
            feeds = variant.feeds(model)
        except TooLarge as error:
            failures.append(Real(Choice(i, None, True, variant.label), "too large", str(error)))
            continue
        except Exception as error:
            failures.append(Real(None, "cannot be built", said(error)))
            continue
        real = _tried(model, i, variant.label, feeds)
        if not real.failure:
            return real
        failures.append(real)
    order = ("real run fails", "too large", "cannot be built")
    return min(failures, key=lambda real: order.index(real.failure))


def _tried(model: nn.Module, index: int, label: str, feeds: Sequence[Feed]) -> Real:
    """The first feed that forward takes; else the error of the one that came furthest."""
    furthest, reason = -1, "no input is known"
    for training in (True, False):
        for feed in feeds:
            run = recorded(model, feed, training)
            if not run.error:
                parameters = sum(p.numel() for p in model.parameters())
                return Real(Choice(index, feed, training, label), "", "", run.events, run.outputs, parameters)
            if len(run.events) > furthest:
                furthest, reason = len(run.events), run.error
    return Real(None, "real run fails", reason)


@dataclass(frozen=True)
class Recorded:
    """A run of forward: its calls in their order, what it returns, or the error that ended it."""

    events: tuple[Event, ...]
    outputs: tuple[Meta, ...] = ()
    error: str = ""


def recorded(model: nn.Module, feed: Feed, training: bool) -> Recorded:
    """Run forward once."""
    for module in model.modules():
        module.training = training
    torch.manual_seed(0)
    random.seed(0)
    args = [made(spec) for spec in feed if spec.name is None]
    kwargs = {spec.name: made(spec) for spec in feed if spec.name is not None}
    recorder = _Recorder(model)
    try:
        with torch.no_grad(), recorder, module_calls(recorder.call_module):
            output = model(*args, **kwargs)
    except Exception as error:
        return Recorded(tuple(recorder.events), (), said(error))
    return Recorded(tuple(recorder.events), metas(output))


def made(spec: InputSpec) -> Any:
    """A real input."""
    if spec.list is not None:
        return [made(item) for item in spec.list]
    if spec.dict is not None:
        return {key: made(item) for key, item in spec.dict.items()}
    if spec.shape is None:
        return with_contents(spec).value
    shape = [BATCH if size == "B" else int(size) for size in spec.shape]
    dtype = getattr(torch, spec.dtype)
    if dtype.is_floating_point:
        return torch.rand(shape, dtype=dtype)
    if dtype == torch.bool:
        return torch.ones(shape, dtype=dtype)
    return torch.randint(0, spec.high or 2, shape, dtype=dtype)


def metas(value: Any) -> tuple[Meta, ...]:
    return tuple((_shape(x), str(x.dtype).removeprefix("torch.")) for x in tensors_in(value))


def _shape(x: torch.Tensor) -> tuple[int | str, ...]:
    try:
        return tuple(x.shape)
    except RuntimeError:  # a nested tensor has none
        return ("nested",)


def said(error: BaseException) -> str:
    """An error in one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]


def fill(model: nn.Module) -> None:
    """Weights that nobody has initialised hold whatever lay in memory: small numbers instead."""
    with torch.no_grad():
        for p in model.parameters():
            if p.is_floating_point() and not nn.parameter.is_lazy(p):
                p.uniform_(-0.05, 0.05)


def _as_if_fake() -> None:
    """Let transformers take the same way as with fake tensors, which it asks for when it makes masks.

    For good: a real run has a process of its own.
    """
    library = sys.modules.get("transformers.utils.import_utils")
    if library is not None:
        library.is_fake_tensor = lambda x: isinstance(x, torch.Tensor)  # type: ignore[attr-defined]


class _Recorder(TorchFunctionMode):
    """Writes down each call of a module and each call of a torch function."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.events: list[Event] = []
        self._model = model
        self._paths: dict[int, str] = {}
        self._blocks: list[str] = []
        self._running: list[str] = []

    def call_module(self, original: Any, module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        # Not by hooks: torch takes other ways through its own layers where a module has one.
        if id(module) not in self._paths:  # forward may change the model
            self._paths = {id(part): path for path, part in self._model.named_modules()}
        path = self._paths.setdefault(id(module), "")
        where = path or type(module).__name__
        self._blocks.append(path)
        self._running.append(where)
        try:
            result = original(module, *args, **kwargs)
        finally:
            self._running.pop()
            self._blocks.pop()
        self.events.append(Event("module", where, "", metas(result), tuple(self._running)))
        return result

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = function_name(func).removesuffix(".__get__")
        outputs = () if name.endswith("__setitem__") else metas(result)
        block = self._blocks[-1] if self._blocks else ""
        self.events.append(Event("function", block, name, outputs, tuple(self._running)))
        return result
