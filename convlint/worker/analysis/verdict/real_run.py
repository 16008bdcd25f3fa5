"""One run of a whole forward on real tensors, small ones, to confirm that an exception is torch's or Python's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from convlint.worker.analysis.session import Run, RunSpec, TraceSession
from convlint.worker.stack.places import raised_at, span_of
from convlint.worker.torch_private.fake import FakeTensor, outside_modes
from convlint.worker.trace.forward_parameters import parts_of
from convlint.worker.trace.input import BATCH, Input, assembled, hint, make
from convlint.worker.trace.module_state import unchanged
from convlint.worker.trace.stateless import call_with, held_weights
from convlint.worker.trace.trail import Raised

LARGEST_MODEL = 1 << 25
"""Numbers in the weights of a model that is run on real tensors."""
LARGEST_INPUT = 1 << 20
"""Numbers in the inputs of such a run."""
_SMALL = {"D": 64, "H": 64, "W": 64}
_SMALL_BATCHES = (2, 3)


class NotRun(Exception):
    """The model cannot be run here; the reason is the message."""


def raises_for_real(session: TraceSession, run: Run, end: Raised) -> bool:
    """Whether forward raises the same exception at the same place on real tensors, and a single example fails as well.

    Raises NotRun where that cannot be tried.
    """
    if not all(_raises_at(session, run.run_spec, sizes, end) for sizes in _sizes(run.run_spec)):
        return False
    is_open = run.run_spec.sizes.get(BATCH) == hint(BATCH)
    return not is_open or _error(session.model, run.run_spec, {**_small(run.run_spec), BATCH: 1}) is not None


def raises_at(session: TraceSession, run: Run, end: Raised) -> bool:
    """Whether forward raises the same exception at the same place on real tensors of the batch of this run."""
    return _raises_at(session, run.run_spec, _small(run.run_spec), end)


def runs_for_real(session: TraceSession, run: Run) -> bool:
    """Whether real tensors of the sizes of this run come through, in evaluation: a norm may ask for more to train.

    Raises NotRun where that cannot be tried.
    """
    return _error(session.model, replace(run.run_spec, training=False), run.run_spec.sizes) is None


def _sizes(run_spec: RunSpec) -> Iterator[dict[str, int]]:
    """The sizes of the run, those of our choice made small, with two small batches."""
    small = _small(run_spec)
    batches = _SMALL_BATCHES if small.get(BATCH) == hint(BATCH) else (small.get(BATCH, 0),)
    for batch in batches:
        yield {**small, BATCH: batch} if BATCH in small else small


def _small(run_spec: RunSpec) -> dict[str, int]:
    """The sizes of the run, those of images that are our choice made small."""
    return {name: _SMALL.get(name[0], size) if size == hint(name) else size for name, size in run_spec.sizes.items()}


def _raises_at(session: TraceSession, run_spec: RunSpec, sizes: Mapping[str, int], end: Raised) -> bool:
    error = _error(session.model, run_spec, sizes)
    if error is None or type(error).__name__ != end.kind:
        return False
    place = raised_at(error, session.is_user)
    return place is not None and span_of(place) == end.at


def _error(model: nn.Module, run_spec: RunSpec, sizes: Mapping[str, int]) -> Exception | None:
    weights = {name: _real(tensor) for name, tensor in _weights(model)}
    parts = parts_of(model) if any(item.within for item in run_spec.inputs) else {}
    with unchanged(model), outside_modes(), torch.no_grad():
        for module in model.modules():
            module.training = run_spec.training
        args, kwargs = assembled(parts, [(item, _input(item, sizes)) for item in run_spec.inputs])
        try:
            call_with(model, weights, args, kwargs)
        except Exception as error:
            return error
    return None


def _weights(model: nn.Module) -> list[tuple[str, torch.Tensor]]:
    held = list(held_weights(model))
    if any(is_lazy(tensor) for _, tensor in held):
        raise NotRun("a layer has no weights yet")
    if sum(tensor.numel() for _, tensor in held) > LARGEST_MODEL:
        raise NotRun("it is too large")
    if any(isinstance(value, FakeTensor) for module in model.modules() for value in vars(module).values()):
        raise NotRun("a module holds a tensor that is no weight")
    return held


def _real(tensor: torch.Tensor) -> torch.Tensor:
    if not isinstance(tensor, FakeTensor):
        return tensor
    with outside_modes():
        real = torch.zeros(tuple(tensor.shape), dtype=tensor.dtype)
    return nn.Parameter(real, requires_grad=False) if isinstance(tensor, nn.Parameter) else real


def _input(item: Input, sizes: Mapping[str, int]) -> Any:
    value = make(item.spec, sizes)
    if isinstance(value, torch.Tensor):
        if value.numel() > LARGEST_INPUT:
            raise NotRun("its inputs are too large")
        value.fill_(item.filled or 0)
    return value
