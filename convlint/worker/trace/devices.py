"""Neutral devices: a trace knows one device, so moves between devices are left out of calls."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from convlint.worker.trace.trace import function_name

_MOVES = frozenset({"torch.Tensor.cuda", "torch.Tensor.cpu", "torch.Tensor.xpu", "torch.Tensor.to", "torch.Tensor.mps"})
_KINDS = ("cuda", "cpu", "xpu", "mps", "meta", "hpu", "npu")


def is_move(name: str) -> bool:
    return name in _MOVES


def neutral(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments without the device that they name."""
    if (kwargs.get("device") is not None and not _is_meta(kwargs["device"])) or "pin_memory" in kwargs:
        kwargs = {key: value for key, value in kwargs.items() if key not in ("device", "pin_memory")}
    if not is_move(name):
        return args, kwargs
    if name != "torch.Tensor.to":
        return args[:1], {}
    kwargs.pop("non_blocking", None)
    kept = [arg for arg in args[1:] if not _is_device(arg)]
    return (args[0], *(arg for arg in kept if isinstance(arg, (torch.Tensor, torch.dtype)))), kwargs


def _is_meta(device: Any) -> bool:
    """The meta device is torch's own way to build without memory; it stays."""
    return str(device) == "meta"


def _is_device(value: Any) -> bool:
    if isinstance(value, torch.device) or (isinstance(value, int) and not isinstance(value, bool)):
        return True
    return isinstance(value, str) and value.split(":")[0] in _KINDS


class Neutral(TorchFunctionMode):
    """Makes tensors where torch would make them by itself, whatever device the code names."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = function_name(func)
        args, kwargs = neutral(name, tuple(args), dict(kwargs or {}))
        if is_move(name) and len(args) == 1 and not kwargs:
            return args[0]
        return func(*args, **kwargs)
