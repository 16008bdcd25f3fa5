"""The memory that runs of a model take, worked out beforehand: the same code on tensors without contents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.parameter import is_lazy

from convlint.facts import MemoryNeed, RunInput
from convlint.worker.torch_private.fake import FakeTensorMode, new_mode
from convlint.worker.trace.stateless import call_with, held_weights
from convlint.worker.values.nesting import tensors_in
from convlint.worker.verify.allocations import Allocations, held
from convlint.worker.verify.bench import Bench
from convlint.worker.verify.training import backward, step
from convlint.worker.verify.workspace import PRODUCTS, workspace


@dataclass(frozen=True)
class _Copies:
    """The model's weights, by each place that holds one, and the arguments of forward, without contents."""

    parameters: dict[str, torch.Tensor]
    buffers: dict[str, torch.Tensor]
    args: list[Any]
    kwargs: dict[str, Any]

    @property
    def tensors(self) -> list[torch.Tensor]:
        return [*self.parameters.values(), *self.buffers.values(), *tensors_in((self.args, self.kwargs))]


def forecast(bench: Bench, inputs: Sequence[RunInput]) -> MemoryNeed:
    """The bytes that a forward in eval mode and a training step take. Raises what forward raises."""
    forward = _peak(bench, inputs, training=False)
    whole = _peak(bench, inputs, training=True)
    trainable = [p for p in bench.model.parameters() if p.requires_grad]
    gradients = held(trainable)
    return MemoryNeed(
        parameters=held(bench.model.parameters()),
        buffers=held(bench.model.buffers()),
        inputs=whole.inputs,
        gradients=gradients,
        optimizer=2 * gradients,
        activations=whole.left,
        forward=forward.most,
        step=whole.most if trainable else None,
        workspace=workspace(bench.device) if whole.has_products else 0,
    )


@dataclass(frozen=True)
class _Bytes:
    """Of one run."""

    most: int  # at any time
    left: int  # after forward: of results, and of what the way back needs
    inputs: int
    has_products: bool


def _peak(bench: Bench, inputs: Sequence[RunInput], *, training: bool) -> _Bytes:
    with new_mode(None) as mode:
        copies = _copied(bench, mode, inputs)
        base = held(copies.tensors)
        with Allocations(copies.tensors) as counted:
            with bench.running(training=training):
                weights = {**copies.parameters, **copies.buffers}
                output = call_with(bench.model, weights, copies.args, copies.kwargs)
            left = counted.live
            if training and backward(output):
                state = step(dict.fromkeys(copies.parameters.values()))
                del state
        inputs_held = held(tensors_in((copies.args, copies.kwargs)))
        return _Bytes(base + counted.peak, left, inputs_held, not PRODUCTS.isdisjoint(counted.operations))


def _copied(bench: Bench, mode: FakeTensorMode, inputs: Sequence[RunInput]) -> _Copies:
    """Inside the mode, where arguments are made without contents from the start: a large batch takes no memory."""
    args, kwargs = bench.arguments(inputs)
    parameters = {name for name, _ in bench.model.named_parameters(remove_duplicate=False)}
    every = {
        name: mode.from_tensor(tensor, static_shapes=True)
        for name, tensor in held_weights(bench.model)
        if not is_lazy(tensor)
    }
    return _Copies(
        {name: tensor for name, tensor in every.items() if name in parameters},
        {name: tensor for name, tensor in every.items() if name not in parameters},
        args,
        kwargs,
    )
