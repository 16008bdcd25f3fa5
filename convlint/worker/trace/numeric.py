"""Calls between tensors whose sizes are all numbers, by torch's own kernels for shapes alone.

A fake tensor asks the same kernels, on a way that takes 20 to 200 times as long: most calls on parameters, tables of
positions and masks are of this kind, and a decomposition makes several fake tensors for one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch

from convlint.worker.ops.call import Call
from convlint.worker.torch_private.fake import (
    FakeTensor,
    FakeTensorMode,
    fake_of,
    has_constant,
    outside_modes,
    tree_map,
)
from convlint.worker.trace.trace import is_in_place

# What torch computes differently on each device, in its values or in the order of its strides.
_BY_DEVICE: Final = ("conv", "attention", "rnn", "lstm", "gru", "new_tensor")


_SYMBOLIC: Final = (torch.SymInt, torch.SymFloat, torch.SymBool)


class _Unfit(Exception):
    """The call is none of this kind."""


def on_numbers(mode: FakeTensorMode, call: Call, function: Callable[..., Any]) -> tuple[Any] | None:
    """What the call gives, in a tuple; None where it is to be run on the fake tensors themselves.

    Whatever raises here raises there as well, in the words that a user is told.
    """
    short = call.target.rsplit(".", 1)[-1]
    if call.layer is not None or is_in_place(short) or any(part in short for part in _BY_DEVICE):
        return None
    blanks = _Blanks(mode)
    with outside_modes():
        try:
            args, kwargs = tree_map(blanks.of, (tuple(call.args), call.kwargs))
            return (tree_map(blanks.back, function(*args, **kwargs)),) if blanks.pairs else None
        except Exception:
            return None


class _Blanks:
    """Tensors without contents in the place of fake ones."""

    def __init__(self, mode: FakeTensorMode) -> None:
        self.pairs: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._mode = mode

    def of(self, value: Any) -> Any:
        """Raises where a value depends on a symbol, on data, or on what a tensor holds."""
        if isinstance(value, FakeTensor):
            known = next((blank for original, blank in self.pairs if original is value), None)
            return known if known is not None else self._blank(value)
        parts = (value.start, value.stop, value.step) if isinstance(value, slice) else (value,)
        if any(isinstance(part, (torch.Tensor, *_SYMBOLIC)) for part in parts):
            raise _Unfit
        return value

    def _blank(self, x: torch.Tensor) -> torch.Tensor:
        if x.layout is not torch.strided or has_constant(x):
            raise _Unfit
        if any(isinstance(number, torch.SymInt) for number in (*x.shape, *x.stride())):
            raise _Unfit
        blank = torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device="meta")
        self.pairs.append((x, blank))
        return blank

    def back(self, value: Any) -> Any:
        """A fake tensor for a new one; what was given is given back. Raises where values were computed after all."""
        if not isinstance(value, torch.Tensor):
            return value
        if value.device.type != "meta":
            raise _Unfit
        same = next((original for original, blank in self.pairs if blank is value), None)
        return same if same is not None else fake_of(self._mode, value)
