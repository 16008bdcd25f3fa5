"""The memory that runs of a model take, worked out beforehand: the same code on tensors without contents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.func import functional_call

from convlint.facts import MemoryNeed, RunInput
from convlint.worker.torch_private import FakeTensor, new_mode
from convlint.worker.trace import tensors_in
from convlint.worker.verifying.allocations import Allocations, held
from convlint.worker.verifying.bench import Bench, weights
from convlint.worker.verifying.training import backward, step


@dataclass(frozen=True)
class _Copies:
    """The model's weights and the arguments of forward, without contents."""

    parameters: dict[str, torch.Tensor]
    buffers: dict[str, torch.Tensor]
    args: list[Any]
    kwargs: dict[str, Any]

    @property
    def tensors(self) -> list[torch.Tensor]:
        return [*self.parameters.values(), *self.buffers.values(), *tensors_in((self.args, self.kwargs))]


def forecast(bench: Bench, inputs: Sequence[RunInput]) -> MemoryNeed:
    """The bytes that a forward in eval mode and a training step take. Raises what forward raises."""
    forward, _ = _peak(bench, inputs, training=False)
    most, left = _peak(bench, inputs, training=True)
    trainable = [p for p in bench.model.parameters() if p.requires_grad]
    args, kwargs = bench.arguments(inputs)
    gradients = held(trainable)
    return MemoryNeed(
        parameters=held(bench.model.parameters()),
        buffers=held(bench.model.buffers()),
        inputs=held(tensors_in((args, kwargs))),
        gradients=gradients,
        optimizer=2 * gradients,
        activations=left,
        forward=forward,
        step=most if trainable else None,
    )


def _peak(bench: Bench, inputs: Sequence[RunInput], *, training: bool) -> tuple[int, int]:
    """The most bytes at any time of a run, and those of results and of what the way back needs, behind forward."""
    with new_mode(None) as mode:
        copies = _copied(bench, mode, inputs)
        base = held(copies.tensors)
        with Allocations(copies.tensors) as counted:
            with bench.running(training=training):
                output = functional_call(
                    bench.model, {**copies.parameters, **copies.buffers}, tuple(copies.args), copies.kwargs
                )
            left = counted.live
            if training and backward(output):
                state = step(copies.parameters.values())
                del state
    return base + counted.peak, left


def _copied(bench: Bench, mode: Any, inputs: Sequence[RunInput]) -> _Copies:
    memo: dict[int, torch.Tensor] = {}

    def fake(tensor: torch.Tensor) -> torch.Tensor:
        if isinstance(tensor, FakeTensor):
            return tensor
        if id(tensor) not in memo:
            memo[id(tensor)] = mode.from_tensor(tensor, static_shapes=True)
        return memo[id(tensor)]

    args, kwargs = bench.arguments(inputs)
    parameters = {name for name, _ in bench.model.named_parameters(remove_duplicate=False)}
    every = {name: fake(tensor) for name, tensor in weights(bench.model)}
    return _Copies(
        {name: tensor for name, tensor in every.items() if name in parameters},
        {name: tensor for name, tensor in every.items() if name not in parameters},
        [_faked(value, fake) for value in args],
        {name: _faked(value, fake) for name, value in kwargs.items()},
    )


def _faked(value: Any, fake: Any) -> Any:
    """The value with each tensor in its containers replaced."""
    if isinstance(value, torch.Tensor):
        return fake(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_faked(item, fake) for item in value)
    if isinstance(value, dict):
        return {key: _faked(item, fake) for key, item in value.items()}
    return value
