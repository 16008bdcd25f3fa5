"""The measures of one run: code counts with tensors as well as with ints.

`torch.tensor(x.shape[1:]).prod()`, `(length - self.kernel) / self.stride` with buffers: a fake tensor has no values,
and each would count as data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch

from convlint.worker.torch_private.fake import FakeTensor
from convlint.worker.trace.constant_folding.arithmetic import result_of
from convlint.worker.trace.trace import is_in_place, is_symbolic
from convlint.worker.values.contents import HELD, MOST, Contents, number
from convlint.worker.values.nesting import tensors_in

_FACTORIES: Final = frozenset(("arange", "zeros", "ones", "full", "empty", "rand", "randn"))
_OF_A_TENSOR: Final = frozenset(
    [
        *("view", "reshape", "expand", "repeat", "tile", "unflatten", "narrow", "split", "chunk"),
        *("pad", "interpolate", "adaptive_avg_pool1d", "adaptive_avg_pool2d"),
        *("new_zeros", "new_ones", "new_full", "new_empty"),
    ]
)
"""What takes sizes after its first argument."""


_SIZES: Final = (torch.SymInt, torch.SymFloat)
_INTEGERS: Final = (torch.int64, torch.int32, torch.int16, torch.uint8, torch.int8)


class KnownValues:
    """Which tensors hold what, while forward runs."""

    def __init__(self) -> None:
        self._held: list[torch.Tensor] = []

    def sized(
        self, short: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call with a number in the place of each tensor that is taken for a size."""
        if short in _FACTORIES:
            return tuple(map(_plain, args)), {key: _plain(value) for key, value in kwargs.items()}
        if short == "__getitem__" and len(args) == 2:
            return (args[0], _any_index(_plain(args[1]))), kwargs
        if short in _OF_A_TENSOR:
            return (*args[:1], *map(_plain, args[1:])), {key: _plain(value) for key, value in kwargs.items()}
        return args, kwargs

    def call(
        self,
        short: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        function: Callable[..., Any],
        record: Callable[[Callable[..., Any]], Any],
    ) -> Any:
        """What `record` of the call gives, and what it holds kept."""
        self._forget_what_is_written(short, args, kwargs)
        known = result_of(short, args, kwargs)
        if known is None:
            return record(function)
        is_of_sizes = isinstance(known, np.ndarray) and any(isinstance(value, _SIZES) for value in known.flat)
        if is_of_sizes and short in ("tensor", "as_tensor"):  # torch would make numbers of them
            result = record(lambda *_, dtype=None, **__: _blank(known, dtype))
        else:
            result = record(function)
        self._hold(result, [known] if isinstance(known, np.ndarray) else known)
        return result

    def _hold(self, result: Any, known: Sequence[Contents]) -> None:
        for x, array in zip(tensors_in(result), known, strict=False):
            if isinstance(x, FakeTensor) and array.shape == tuple(x.shape):
                setattr(x, HELD, array)
                self._held.append(x)

    def _forget_what_is_written(self, short: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """A small tensor that a call writes into may be a view of others: nothing is known any more."""
        target = kwargs.get("out", args[0] if is_in_place(short) and args else None)
        if self._held and isinstance(target, torch.Tensor) and not is_symbolic(target) and target.numel() <= MOST:
            for x in self._held:
                vars(x).pop(HELD, None)
            self._held.clear()


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        known = None if value.is_floating_point() or value.dim() else number(value)
        return value if known is None else known
    if type(value) in (tuple, list):
        return type(value)(map(_plain, value))
    return slice(*map(_plain, (value.start, value.stop, value.step))) if isinstance(value, slice) else value


def _any_index(index: Any) -> Any:
    """Whichever item an unknown integer picks, the others have its shape: the first one stands for it."""
    if isinstance(index, tuple):
        return tuple(map(_any_index, index))
    is_unknown = isinstance(index, FakeTensor) and index.dim() == 0 and index.dtype in _INTEGERS
    return 0 if is_unknown else index


def _blank(known: Contents, dtype: torch.dtype | None) -> torch.Tensor:
    if dtype is None and any(isinstance(value, (float, torch.SymFloat)) for value in known.flat):
        dtype = torch.get_default_dtype()
    return torch.empty(known.shape, dtype=dtype or torch.int64)
