"""The memory that runs take on the device, as its allocator counts it."""

from __future__ import annotations

import gc
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from convlint.facts import MemoryUse, RunInput
from convlint.worker.values.nesting import tensors_in
from convlint.worker.verify.allocations import held
from convlint.worker.verify.bench import Bench, weights
from convlint.worker.verify.training import backward, step

_COUNTED = ("cuda", "xpu")
"""Devices whose allocator tells the most that it has given out."""
_EVENT = "[memory]"


def used(bench: Bench, inputs: Sequence[RunInput]) -> MemoryUse:
    """The most bytes during a forward in eval mode and during a training step, weights and inputs among them.

    Raises what forward raises.
    """
    if bench.device.type not in (*_COUNTED, "cpu"):
        return MemoryUse()
    forward, _ = _most(bench, inputs, _forward)
    whole, reserved = _most(bench, inputs, _step)
    return MemoryUse(forward=forward, step=whole, reserved=reserved)


_Run = Callable[[Bench, list[Any], dict[str, Any]], None]


def _most(bench: Bench, inputs: Sequence[RunInput], run: _Run) -> tuple[int, int | None]:
    """Bytes allocated at most, and reserved."""
    bench.restore()
    args, kwargs = bench.arguments(inputs)
    gc.collect()  # what earlier runs have left in cycles must not be freed in this one
    try:
        if bench.device.type == "cpu":
            return _profiled(bench, args, kwargs, run), None
        torch.accelerator.empty_cache()
        torch.accelerator.reset_peak_memory_stats(bench.device)
        run(bench, args, kwargs)
        torch.accelerator.synchronize(bench.device)
        return (
            torch.accelerator.max_memory_allocated(bench.device),
            torch.accelerator.max_memory_reserved(bench.device),
        )
    finally:
        bench.restore()


def _forward(bench: Bench, args: list[Any], kwargs: dict[str, Any]) -> None:
    with bench.running(training=False):
        bench.model(*args, **kwargs)


def _step(bench: Bench, args: list[Any], kwargs: dict[str, Any]) -> None:
    with bench.running(training=True):
        output = bench.model(*args, **kwargs)
    if backward(output):
        step(bench.model.parameters())


def _profiled(bench: Bench, args: list[Any], kwargs: dict[str, Any], run: _Run) -> int:
    """On the CPU: what torch's profiler hears of the allocator, on top of what is there before."""
    before = held([*(tensor for _, tensor in weights(bench.model)), *tensors_in((args, kwargs))])
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        run(bench, args, kwargs)
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        profiled.export_chrome_trace(file.name)
        events = json.loads(Path(file.name).read_text(encoding="utf-8"))["traceEvents"]
    live = most = 0
    for event in sorted((one for one in events if one.get("name") == _EVENT), key=lambda one: one["ts"]):
        live += int(event["args"]["Bytes"])
        most = max(most, live)
    return before + most
