"""One real run of a model: forward, and in training mode a backward pass and a step of an optimizer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.parameter import is_lazy

from convlint.facts import Observation, RunError, RunInput, Unfit, Weight
from convlint.jobs import TrialRun
from convlint.worker.analysis.layers import site_of
from convlint.worker.stack.places import raised_at, span_of
from convlint.worker.torch_private.modules import module_calls
from convlint.worker.trace.trace import type_name
from convlint.worker.user_code.unavailable import OnlyDeclared
from convlint.worker.user_code.wording import said
from convlint.worker.values.arrays import arrays
from convlint.worker.verify.bench import Bench
from convlint.worker.verify.device import is_out_of_memory, synchronize
from convlint.worker.verify.recorder import Recorder, not_finite
from convlint.worker.verify.training import backward, step


def observed(bench: Bench, run: TrialRun, feed: Sequence[RunInput]) -> Observation:
    """Run forward once, and in training mode the way back. Raises nothing that the model raises, but OnlyDeclared."""
    started = time.perf_counter()
    training = run.scenario.training
    recorder = Recorder(bench.model, bench.is_user, bench.device, run.handed, watches=run.watches)
    seen = Observation(scenario=run.scenario)
    try:
        args, kwargs = bench.arguments([item.at(run.scenario.sizes) for item in feed])
        with bench.running(training=training), recorder, module_calls(recorder.call_module):
            output = bench.model(*args, **kwargs)
        synchronize(bench.device)
        seen = seen.model_copy(update={"outputs": arrays(output, on_device=True), "unfit": _unfit(recorder, output)})
        if training and not recorder.refused:
            seen = seen.model_copy(update=_trained(bench, output))
    except OnlyDeclared:
        raise
    except Exception as error:
        seen = seen.model_copy(update={"error": _error(error, bench, recorder)})
    if training:
        bench.restore()
    return seen.model_copy(
        update={
            "calls": tuple(recorder.calls),
            "refused": tuple(recorder.refused),
            "seconds": round(time.perf_counter() - started, 4),
        }
    )


def _unfit(recorder: Recorder, output: Any) -> tuple[Unfit, ...]:
    """What is wrong with the numbers that come out, and the call that made them so."""
    kinds = not_finite(output)
    return tuple(_said(recorder, kind, "the output") for kind in kinds)


def _said(recorder: Recorder, kind: Any, where: str) -> Unfit:
    first = recorder.unfit.get(kind)
    return Unfit(kind=kind, where=where, call=first.call if first is not None else None)


def _trained(bench: Bench, output: Any) -> dict[str, Any]:
    """Go back from the mean of all that comes out, and take one step."""
    if not backward(output):
        return {"note": "nothing that comes out depends on a parameter"}
    synchronize(bench.device)
    wanted = [(name, p) for name, p in bench.model.named_parameters() if p.requires_grad]
    idle = tuple(weight(bench, name) for name, p in wanted if p.grad is None)
    gradients = ((name, kind) for name, p in wanted if p.grad is not None for kind in not_finite(p.grad))
    name, kind = next(gradients, (None, None)) if not not_finite(output) else (None, None)
    step(p for _, p in wanted)
    synchronize(bench.device)
    found: dict[str, Any] = {"without_gradient": idle}
    return found if kind is None else found | {"unfit": (Unfit(kind=kind, where=f"the gradient of {name}"),)}


def unfit_weights(bench: Bench) -> tuple[Weight, ...]:
    """Parameters that hold what is not a finite number before anything is trained."""
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
    if is_out_of_memory(error):
        return "memory"
    return "device" if isinstance(error, torch.AcceleratorError) else "raised"
