"""One real run of a model: forward, and in training mode a backward pass and a step of an optimizer."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from convlint.facts import Observation, RunError, Unfit, Weight
from convlint.jobs import TrialRun, Verify
from convlint.worker.devices import Neutral
from convlint.worker.layers import site_of
from convlint.worker.places import raised_at, span_of
from convlint.worker.precision import computing, dtype_of
from convlint.worker.skeleton import Sites
from convlint.worker.torch_private import module_calls
from convlint.worker.trace import tensors_in, type_name
from convlint.worker.users import IsUser
from convlint.worker.verifying.device import synchronize
from convlint.worker.verifying.inputs import arguments
from convlint.worker.verifying.recorder import Recorder, arrays, not_finite
from convlint.worker.wording import is_hungry, said

_RATE = 1e-4


@dataclass(frozen=True)
class Bench:
    """What all runs of one model share."""

    model: nn.Module
    device: torch.device
    verify: Verify
    sites: Sites
    is_user: IsUser
    start: Mapping[str, torch.Tensor]  # the weights before any run, on the host

    def restore(self) -> None:
        """Undo what a step of training has made of the weights and of running means."""
        with torch.no_grad():
            for name, tensor in _weights(self.model):
                if name in self.start:
                    tensor.copy_(self.start[name])


def bench_of(model: nn.Module, device: torch.device, verify: Verify, sites: Sites, is_user: IsUser) -> Bench:
    """A model on its device, ready to be run."""
    model = model.to(device=device, dtype=dtype_of(verify.precision))
    start = {name: tensor.detach().to("cpu", copy=True) for name, tensor in _weights(model)}
    return Bench(model, device, verify, sites, is_user, start)


def _weights(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Parameters and buffers that there are; a lazy layer makes its own in the first run."""
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if not is_lazy(tensor):
            yield name, tensor


def observed(bench: Bench, run: TrialRun) -> Observation:
    """Run forward once, and in training mode the way back. Raises nothing that the model raises."""
    started = time.perf_counter()
    model, training = bench.model, run.scenario.training
    for module in model.modules():
        module.training = training
    torch.manual_seed(0)
    random.seed(0)
    recorder = Recorder(model, bench.is_user, bench.device, run.handed, watches=run.watches)
    seen = Observation(scenario=run.scenario)
    try:
        args, kwargs = arguments(model, run.inputs, bench.device, bench.verify.precision)
        with _devices(bench.device), torch.set_grad_enabled(training), recorder, module_calls(recorder.call_module):
            with computing(bench.verify.precision, bench.device.type):
                output = model(*args, **kwargs)
            synchronize(bench.device)
        seen = seen.model_copy(update={"outputs": arrays(output), "unfit": _unfit(recorder, output)})
        if training and not recorder.refused:
            seen = seen.model_copy(update=_trained(bench, output))
    except Exception as error:
        seen = seen.model_copy(update={"error": _error(error, bench, recorder)})
    model.zero_grad(set_to_none=True)
    if training:
        bench.restore()
    return seen.model_copy(
        update={
            "calls": tuple(recorder.calls),
            "refused": tuple(recorder.refused),
            "seconds": round(time.perf_counter() - started, 4),
        }
    )


def _devices(device: torch.device) -> AbstractContextManager[Any]:
    """On the CPU, code that names another device runs as if it did not; elsewhere it means what it says."""
    return Neutral() if device.type == "cpu" else nullcontext()


def _unfit(recorder: Recorder, output: Any) -> tuple[Unfit, ...]:
    """What is wrong with the numbers that come out, and the call that made them so."""
    kinds = not_finite(output)
    return tuple(_said(recorder, kind, "the output") for kind in kinds)


def _said(recorder: Recorder, kind: Any, where: str) -> Unfit:
    first = recorder.unfit.get(kind)
    return Unfit(kind=kind, where=where, call=first.call if first is not None else None)


def _trained(bench: Bench, output: Any) -> dict[str, Any]:
    """Go back from the mean of all that comes out, and take one step."""
    parts = [x.float().mean() for x in tensors_in(output) if x.requires_grad and (x.is_floating_point())]
    if not parts:
        return {"note": "nothing that comes out depends on a parameter"}
    torch.stack(parts).sum().backward()  # type: ignore[no-untyped-call]
    synchronize(bench.device)
    wanted = [(name, p) for name, p in bench.model.named_parameters() if p.requires_grad]
    idle = tuple(weight(bench, name) for name, p in wanted if p.grad is None)
    gradients = ((name, kind) for name, p in wanted if p.grad is not None for kind in not_finite(p.grad))
    name, kind = next(gradients, (None, None)) if not not_finite(output) else (None, None)
    optimizer = torch.optim.AdamW([p for _, p in wanted], lr=_RATE)
    optimizer.step()
    synchronize(bench.device)
    found: dict[str, Any] = {"without_gradient": idle}
    return found if kind is None else found | {"unfit": (Unfit(kind=kind, where=f"the gradient of {name}"),)}


def unfit_weights(bench: Bench) -> tuple[Weight, ...]:
    """Parameters that hold what is no finite number before anything is trained."""
    return tuple(weight(bench, name) for name, p in bench.model.named_parameters() if not is_lazy(p) and not_finite(p))


def weight(bench: Bench, name: str) -> Weight:
    """A parameter, and where the user's code makes its layer."""
    owner = bench.model.get_submodule(name.rpartition(".")[0])
    site = site_of(bench.sites.chain(owner), bench.is_user)
    return Weight(name=name, layer=type_name(type(owner)), at=site)


def _error(error: Exception, bench: Bench, recorder: Recorder) -> RunError:
    place = raised_at(error, bench.is_user)
    layer = next((path for path in reversed(recorder.running) if path), None)
    return RunError(
        kind=_kind(error),
        type=type(error).__name__,
        message=said(error),
        at=span_of(place) if place else None,
        layer=layer,
        call=len(recorder.calls),
    )


def _kind(error: Exception) -> Any:
    if isinstance(error, torch.OutOfMemoryError) or is_hungry(error):
        return "memory"
    return "device" if isinstance(error, torch.AcceleratorError) else "raised"
