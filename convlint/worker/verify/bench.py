"""A real model on its device, and one run of its forward, plain and without looking on."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from convlint.facts import RunInput
from convlint.jobs import Verify
from convlint.worker.build.skeleton import Sites
from convlint.worker.stack.users import IsUser
from convlint.worker.trace.devices import Neutral
from convlint.worker.values.precision import cast_of, computing
from convlint.worker.verify.inputs import arguments


@dataclass(frozen=True)
class Bench:
    """What all runs of one model share."""

    model: nn.Module
    device: torch.device
    verify: Verify
    sites: Sites
    is_user: IsUser
    start: Mapping[str, torch.Tensor]  # the weights before any run, on the host

    def arguments(self, inputs: Sequence[RunInput]) -> tuple[list[Any], dict[str, Any]]:
        """What forward is called with, the same numbers each time."""
        return arguments(self.model, inputs, self.device, self.verify.precision)

    @contextmanager
    def running(self, *, training: bool, seed: int = 0, is_plain: bool = False) -> Iterator[None]:
        """The surroundings of a forward: mode, gradients, precision, seeds.

        `is_plain`: nothing of convlint stands between the code and torch, so that code may be compiled.
        """
        for module in self.model.modules():  # not by `train()`, which user code may have made something else of
            module.training = training
        torch.manual_seed(seed)
        random.seed(seed)
        with ExitStack() as stack:
            stack.enter_context(nullcontext() if is_plain else _devices(self.device))
            stack.enter_context(torch.set_grad_enabled(training))
            stack.enter_context(computing(self.verify.precision, self.device.type))
            yield

    def restore(self) -> None:
        """Undo what a step of training has made of the weights and of running means, and drop the gradients."""
        self.model.zero_grad(set_to_none=True)
        with torch.no_grad():
            for name, tensor in weights(self.model):
                if name in self.start:
                    tensor.copy_(self.start[name])


def bench_of(model: nn.Module, device: torch.device, verify: Verify, sites: Sites, is_user: IsUser) -> Bench:
    """A model on its device, ready to be run."""
    model = model.to(device=device, dtype=cast_of(verify.precision))
    start = {name: tensor.detach().to("cpu", copy=True) for name, tensor in weights(model)}
    return Bench(model, device, verify, sites, is_user, start)


def weights(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Parameters and buffers that there are; a lazy layer makes its own in the first run."""
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if not is_lazy(tensor):
            yield name, tensor


def _devices(device: torch.device) -> AbstractContextManager[Any]:
    """On the CPU, code that names another device runs as if it did not; elsewhere it means what it says."""
    return Neutral() if device.type == "cpu" else nullcontext()
