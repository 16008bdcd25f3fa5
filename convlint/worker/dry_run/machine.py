"""The machine as a program sees it: one accelerator that is the CPU, one process, nobody who answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from convlint.worker.dry_run.patches import Patches
from convlint.worker.dry_run.unknown import UnknownValue


def _const(value: Any) -> Callable[..., Any]:
    return lambda *_, **__: value


class IdleScaler:
    """A scaler of gradients that scales nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def scale(self, value: Any) -> Any:
        return value

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        return optimizer.step(*args, **kwargs)

    def get_scale(self) -> float:
        return 1.0

    def state_dict(self) -> dict[str, Any]:
        return {}

    def _nothing(self, *_: Any, **__: Any) -> None:
        pass

    update = unscale_ = load_state_dict = _nothing


_CUDA: dict[str, Any] = {
    "is_available": True,
    "device_count": 1,
    "current_device": 0,
    "set_device": None,
    "synchronize": None,
    "empty_cache": None,
    "manual_seed": None,
    "manual_seed_all": None,
    "reset_peak_memory_stats": None,
    "max_memory_allocated": 0,
    "memory_allocated": 0,
    "max_memory_reserved": 0,
    "memory_reserved": 0,
    "get_device_name": "cuda",
    "get_device_capability": (9, 0),
    "is_bf16_supported": True,
    "init": None,
}


@contextmanager
def pretended() -> Iterator[None]:
    with Patches() as patches:
        for name, value in _CUDA.items():
            patches.put(torch.cuda, name, _const(value))
        patches.put(torch.cuda.amp, "GradScaler", IdleScaler)
        patches.put(torch.amp, "GradScaler", IdleScaler)
        patches.put(torch, "compile", _compile)
        patches.put(torch, "save", _const(None))
        patches.put(torch, "from_numpy", _of_array(torch.from_numpy))
        patches.put(torch.multiprocessing, "spawn", _spawn)
        patches.put(time, "sleep", _const(None))
        yield


def _of_array(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda array: array if isinstance(array, UnknownValue) else original(array)


def _compile(model: Any = None, *_: Any, **__: Any) -> Any:
    return model if model is not None else (lambda function: function)


def _spawn(fn: Callable[..., Any], args: tuple[Any, ...] = (), *_: Any, **__: Any) -> None:
    """One process: this one."""
    fn(0, *args)
