"""Traces in the precision of a real run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from convlint.facts import Array, Prediction
from convlint.hardware import Precision
from convlint.worker.analysis.session import TraceSession
from convlint.worker.values.precision import cast_of, computing


@contextmanager
def precise(session: TraceSession, precision: Precision) -> Iterator[TraceSession]:
    """The workshop with the model as it is run; its weights are put back in the end."""
    if precision == "fp32":
        yield session
        return
    with ExitStack() as stack:
        dtype = cast_of(precision)
        if dtype is not None:
            stack.enter_context(_cast(session, dtype))
        stack.enter_context(computing(precision, "cpu"))
        yield replace(session, known={})


@contextmanager
def _cast(session: TraceSession, dtype: torch.dtype) -> Iterator[None]:
    """The model with fake weights of another dtype; `Module.to` cannot exchange what something refers to weakly."""
    kept: list[tuple[nn.Module, str, torch.Tensor]] = []
    made: dict[int, torch.Tensor] = {}  # layers may share a weight
    with session.mode, torch.no_grad():
        for module in session.model.modules():
            for name, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
                if not tensor.is_floating_point() or is_lazy(tensor):
                    continue
                if id(tensor) not in made:
                    lower = tensor.detach().to(dtype)
                    is_weight = isinstance(tensor, nn.Parameter)
                    made[id(tensor)] = nn.Parameter(lower, tensor.requires_grad) if is_weight else lower
                kept.append((module, name, tensor))
                setattr(module, name, made[id(tensor)])
    try:
        yield
    finally:
        for module, name, tensor in kept:
            setattr(module, name, tensor)


def without_dtypes(prediction: Prediction) -> Prediction:
    """The same with nothing said of the dtype of any tensor."""

    def left_open(arrays: Sequence[Array]) -> tuple[Array, ...]:
        return tuple(one.model_copy(update={"dtype": None}) for one in arrays)

    calls = tuple(call.model_copy(update={"outputs": left_open(call.outputs)}) for call in prediction.calls)
    return prediction.model_copy(update={"calls": calls, "outputs": left_open(prediction.outputs)})
