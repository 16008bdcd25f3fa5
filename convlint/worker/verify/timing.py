"""The time of each call of forward: medians of several runs after a warm-up."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from convlint.facts import CallTime, RunInput
from convlint.worker.stack.places import FramePlace, span_of, user_place
from convlint.worker.torch_private.modules import module_calls
from convlint.worker.trace.leaves import is_leaf
from convlint.worker.trace.trace import function_name, type_name
from convlint.worker.values.nesting import tensors_in
from convlint.worker.verify.bench import Bench
from convlint.worker.verify.device import synchronize

_WARM_UP = 3
_REPEATS = 10
_SECONDS = 4.0
"""After so many seconds there are repeats enough."""

_Key = tuple[str, str | None, FramePlace | None]


def times(bench: Bench, inputs: Sequence[RunInput]) -> tuple[float, tuple[CallTime, ...]]:
    """The seconds of a forward in eval mode as it is, and those of its calls, the slowest first.

    Raises what forward raises.
    """
    args, kwargs = bench.arguments(inputs)
    with bench.running(training=False):
        whole = _repeated(lambda: _clocked(bench, args, kwargs))
        clocks = [_Clock(bench) for _ in range(len(whole))]
        for clock in clocks:
            with clock, module_calls(clock.call_module):
                bench.model(*args, **kwargs)
            synchronize(bench.device)
        with FlopCounterMode(display=False) as flops:
            counter = _Clock(bench, flops)
            with counter, module_calls(counter.call_module):
                bench.model(*args, **kwargs)
    return median(whole), _calls(clocks, counter)


def _repeated(run: Callable[[], float]) -> list[float]:
    started = time.perf_counter()
    found: list[float] = []
    for number in range(_WARM_UP + _REPEATS):
        found.append(run())
        if time.perf_counter() - started > _SECONDS and number >= _WARM_UP:
            break
    return found[_WARM_UP:] or found[-1:]


def _clocked(bench: Bench, args: list[Any], kwargs: dict[str, Any]) -> float:
    synchronize(bench.device)
    started = time.perf_counter()
    bench.model(*args, **kwargs)
    synchronize(bench.device)
    return time.perf_counter() - started


@dataclass
class _Seen:
    """What one run saw of a call."""

    marks: list[tuple[Any, Any]] = field(default_factory=list)
    flops: int = 0
    bytes: int = 0


class _Clock(TorchFunctionMode):
    """Marks the beginning and the end of each call of a layer or function, or counts its work."""

    def __init__(self, bench: Bench, counter: FlopCounterMode | None = None) -> None:
        super().__init__()
        self.seen: dict[_Key, _Seen] = defaultdict(_Seen)
        self._bench = bench
        self._counter = counter
        self._paths = {id(part): path for path, part in bench.model.named_modules()}
        self._inside = 0

    def call_module(self, original: Callable[..., Any], module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if self._inside or not is_leaf(module):
            return original(module, *args, **kwargs)
        key = type_name(type(module)), self._paths.get(id(module), type(module).__name__), None
        return self._timed(key, lambda: original(module, *args, **kwargs), (args, kwargs, list(module.parameters())))

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self._inside:
            return func(*args, **kwargs)
        place = user_place(sys._getframe(1), self._bench.is_user)
        key = function_name(func).removesuffix(".__get__"), None, place
        return self._timed(key, lambda: func(*args, **kwargs), (args, kwargs))

    def _timed(self, key: _Key, call: Callable[[], Any], given: Any) -> Any:
        self._inside += 1
        try:
            if self._counter is not None:
                return self._counted(self._counter, key, call, given)
            start = _mark(self._bench.device)
            result = call()
            self.seen[key].marks.append((start, _mark(self._bench.device)))
            return result
        finally:
            self._inside -= 1

    def _counted(self, counter: FlopCounterMode, key: _Key, call: Callable[[], Any], given: Any) -> Any:
        before = counter.get_total_flops()
        result = call()
        seen = self.seen[key]
        seen.flops += counter.get_total_flops() - before
        seen.bytes += sum(x.numel() * x.element_size() for x in tensors_in((given, result)))
        return result


def _mark(device: torch.device) -> Any:
    """A moment: on an accelerator one of its stream, which costs no waiting."""
    if device.type == "cpu":
        return time.perf_counter()
    event = torch.Event(device, enable_timing=True)
    event.record()
    return event


def _between(start: Any, end: Any) -> float:
    return float(end - start) if isinstance(start, float) else float(start.elapsed_time(end)) / 1000


def _calls(clocks: Sequence[_Clock], counter: _Clock) -> tuple[CallTime, ...]:
    found = []
    for key, work in counter.seen.items():
        seconds = [sum(_between(*mark) for mark in clock.seen[key].marks) for clock in clocks if key in clock.seen]
        calls = max((len(clock.seen[key].marks) for clock in clocks if key in clock.seen), default=0)
        target, layer, place = key
        if seconds and work.bytes:
            found.append(
                CallTime(
                    target=target,
                    layer=layer,
                    at=span_of(place) if place is not None else None,
                    calls=calls,
                    seconds=median(seconds),
                    flops=work.flops or None,
                    bytes=work.bytes,
                )
            )
    return tuple(sorted(found, key=lambda one: -one.seconds))
