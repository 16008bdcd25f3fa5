"""What the results of torch's calls hold, made of what their arguments hold."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any, Final

import numpy as np
import torch

from convlint.worker.torch_private.fake import FakeTensor
from convlint.worker.values.contents import HELD, Contents, Unknown, contents, exact, truncated
from convlint.worker.values.nesting import tensors_in


def result_of(short: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Contents | Sequence[Contents] | None:
    """The contents of what a call gives, or of each of its tensors; None where they are unknown."""
    maker = _MAKERS.get(short.strip("_"))
    if maker is None or any(isinstance(x, FakeTensor) and not hasattr(x, HELD) for x in tensors_in(args)):
        return None
    try:
        return maker(*args, **kwargs)
    except Exception:  # a call that torch takes in another way, or refuses
        return None


def _operand(value: Any) -> Contents:
    return contents(value) if isinstance(value, torch.Tensor) else exact(value)


def _each(function: Callable[..., Any], count: int = 1) -> Callable[..., Contents]:
    """A function of numbers as one of tensors."""
    of_arrays = np.frompyfunc(function, count, 1)
    return lambda *args: exact(of_arrays(*map(_operand, args)))


def _reflected(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda a, b: function(b, a)


def _folded(function: Callable[[Any, Any], Any]) -> Callable[[torch.Tensor], Contents]:
    """All elements in one; of whole numbers alone, whose sum and product are exact."""

    def fold(x: torch.Tensor) -> Contents:
        values = list(contents(x).flat)
        if any(isinstance(value, (float, torch.SymFloat)) for value in values):
            raise Unknown
        return exact(reduce(function, values))

    return fold


def _cast(array: Contents, dtype: torch.dtype | None) -> Contents:
    if dtype in (None, torch.float32, torch.float64):
        return array
    if dtype not in (torch.int64, torch.int32):
        raise Unknown
    return exact(np.frompyfunc(truncated, 1, 1)(array))


def _to(x: torch.Tensor, dtype: Any = None) -> Contents:
    return _cast(contents(x), dtype.dtype if isinstance(dtype, torch.Tensor) else dtype)


def _long(x: torch.Tensor) -> Contents:
    return _cast(contents(x), torch.int64)


def _tensor(data: Any, *, dtype: torch.dtype | None = None, **_: Any) -> Contents:
    if any(True for _ in tensors_in(data)):
        raise Unknown
    return _cast(exact(data), dtype)


def _arange(*ends: int, **_: Any) -> Contents:
    if not all(isinstance(end, int) for end in ends):
        raise Unknown
    return exact(range(*ends))


def _item(x: torch.Tensor, index: Any) -> Contents:
    parts = index if isinstance(index, tuple) else (index,)
    if not all(part is Ellipsis or part is None or isinstance(part, (int, slice)) for part in parts):
        raise Unknown
    return exact(contents(x)[index])


def _unbind(x: torch.Tensor, dim: int = 0) -> list[Contents]:
    return [exact(part) for part in np.moveaxis(contents(x), dim, 0)]


def _stack(parts: Sequence[Any], dim: int = 0) -> Contents:
    return np.stack([contents(part) for part in parts], dim)


def _cat(parts: Sequence[Any], dim: int = 0) -> Contents:
    return np.concatenate([contents(part) for part in parts], dim)


def _reshape(x: torch.Tensor, *shape: Any) -> Contents:
    return contents(x).reshape(*shape)


def _expand(x: torch.Tensor, *shape: Any) -> Contents:
    array = contents(x)
    wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    kept = (1,) * (len(wanted) - array.ndim) + array.shape
    if not all(isinstance(size, int) for size in wanted):
        raise Unknown
    return exact(np.broadcast_to(array, [old if new == -1 else new for old, new in zip(kept, wanted, strict=True)]))


_BINARY: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    **{name: getattr(operator, name) for name in ("add", "sub", "mul", "mod", "eq", "ne", "lt", "le", "gt", "ge")},
    **dict.fromkeys(("div", "truediv", "true_divide"), operator.truediv),
    **dict.fromkeys(("floordiv", "floor_divide"), operator.floordiv),
    "remainder": operator.mod,
    "minimum": torch.sym_min,
    "maximum": torch.sym_max,
}
# By the name without the underscores around it: `add`, `__add__`, `__radd__`.
_MAKERS: Final[Mapping[str, Callable[..., Any]]] = {
    **{name: _each(function, 2) for name, function in _BINARY.items()},
    **{f"r{name}": _each(_reflected(function), 2) for name, function in _BINARY.items()},
    "neg": _each(operator.neg),
    "abs": _each(abs),
    "ceil": _each(math.ceil),
    "floor": _each(math.floor),
    "trunc": _each(truncated),
    "sum": _folded(operator.add),
    "prod": _folded(operator.mul),
    "min": _folded(torch.sym_min),
    "max": _folded(torch.sym_max),
    **dict.fromkeys(("clone", "detach", "contiguous", "float", "double", "cpu"), contents),
    **dict.fromkeys(("long", "int"), _long),
    **dict.fromkeys(("tensor", "as_tensor"), _tensor),
    **dict.fromkeys(("cat", "concat"), _cat),
    **dict.fromkeys(("view", "reshape"), _reshape),
    "to": _to,
    "expand": _expand,
    "arange": _arange,
    "getitem": _item,
    "unbind": _unbind,
    "stack": _stack,
}
