"""What a program reads of a tensor that has no contents: something in its place, another thing in each world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from convlint.facts import Reason
from convlint.worker.dry_run.unknown import UnknownValue
from convlint.worker.dry_run.world import current

_generator = np.random.default_rng  # numpy's own, whatever it is while a program runs
_LARGEST = 1 << 24
_NUMPY = {torch.bool: np.bool_, torch.bfloat16: np.float32, torch.float16: np.float16, torch.float64: np.float64}


def not_followed(why: str) -> UnknownValue:
    return UnknownValue("_", Reason(kind="value-from-data", detail=why))


def tainted_reason() -> Reason:
    return Reason(kind="value-from-data", detail="it may not be what the program makes")


def handled_reason() -> Reason:
    return Reason(kind="value-from-data", detail="the program expects the exception")


def _number(x: torch.Tensor) -> bool | int | float:
    world = current()
    if x.dtype is torch.bool:
        return world.made_up("a value", True, False)
    if x.is_floating_point() or x.is_complex():
        return world.made_up("a value", 0.625, 0.375)
    return world.made_up("a value", 1, 2)


def item(x: torch.Tensor, *_: Any, **__: Any) -> bool | int | float:
    if x.numel() != 1:
        raise RuntimeError(f"a Tensor with {x.numel()} elements cannot be converted to Scalar")
    return _number(x)


def truth(x: torch.Tensor, *_: Any) -> bool:
    if x.numel() != 1:
        raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
    return current().made_up("a value", True, False)


def array(x: torch.Tensor, *_: Any, **__: Any) -> np.ndarray[Any, Any]:
    world = current()
    world.inventions.append("contents")
    shape = tuple(int(size) for size in x.shape)
    kind = _NUMPY.get(x.dtype) or getattr(np, str(x.dtype).removeprefix("torch."), np.float32)
    if x.numel() > _LARGEST:
        return np.broadcast_to(np.zeros((), kind), shape)
    draw = _generator(world.seed + len(world.inventions))
    if np.issubdtype(kind, np.floating):
        return draw.random(shape).astype(kind)
    return draw.integers(0, 2, shape).astype(kind)


def tolist(x: torch.Tensor) -> Any:
    return array(x).tolist()


def text(x: torch.Tensor, *_: Any, **__: Any) -> str:
    return f"tensor(..., size={tuple(x.shape)})"


READERS: dict[str, Callable[..., Any]] = {
    "torch.Tensor.item": item,
    "torch.Tensor.__bool__": truth,
    "torch.Tensor.__float__": lambda x: float(item(x)),
    "torch.Tensor.__int__": lambda x: int(item(x)),
    "torch.Tensor.__index__": lambda x: int(item(x)),
    "torch.Tensor.__complex__": lambda x: complex(item(x)),
    "torch.Tensor.numpy": array,
    "torch.Tensor.__array__": array,
    "torch.Tensor.tolist": tolist,
    "torch.Tensor.__repr__": text,
    "torch.Tensor.__format__": text,
    "torch.is_nonzero": truth,
    "torch.Tensor.is_nonzero": truth,
    "torch.equal": lambda *_: current().made_up("a value", True, False),
    "torch.Tensor.equal": lambda *_: current().made_up("a value", True, False),
    "torch.allclose": lambda *_, **__: current().made_up("a value", True, False),
}
"""By the name of the function."""
