"""Whether torch itself refuses a call: the same call on real tensors of the same shapes.

Fake tensors have gaps; a refusal counts only when real torch refuses as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from convlint.facts import Reason, ReasonKind
from convlint.tracebacks import steps_of
from convlint.worker.torch_private.fake import FakeTensor, outside_modes, tree_map
from convlint.worker.torch_private.symbols import hint_of
from convlint.worker.trace.stateless import call_with, held_weights
from convlint.worker.trace.work import CALL, spend, spend_on
from convlint.worker.values.nesting import tensors_in

LARGEST = 1 << 27
"""Elements that a confirmation may allocate in all: half a gigabyte of float32."""
_INTEGERS = (0, 1)
"""What unknown integers are tried as: torch may read a size among them, as in `F.interpolate(x, size=(h, w))`."""
_FEW = 1 << 12
"""Elements of a tensor that may hold sizes."""


class Unconfirmed(Exception):
    """The call could not be repeated on real tensors."""

    def __init__(self, kind: ReasonKind) -> None:
        super().__init__(kind)
        self.reason = Reason(kind=kind)


def _known(size: int | torch.SymInt) -> int:
    hint = hint_of(size)
    if hint is None:
        raise Unconfirmed("size-from-data")
    return hint


def _may_be_sizes(x: torch.Tensor) -> bool:
    """A few integers. To fill large tensors, their memory would have to be there."""
    if x.is_floating_point() or x.is_complex():
        return False
    sizes = [hint_of(size) for size in x.shape]
    return None not in sizes and math.prod(size for size in sizes if size is not None) <= _FEW


class _Budget:
    def __init__(self, elements: int, integer: int) -> None:
        self.left = elements
        self._integer = integer

    def real(self, x: torch.Tensor) -> torch.Tensor:
        """Zeros of the same shape, strides and dtype, in memory that costs nothing before it is touched.

        A few integers are all of the number that they are tried as.
        """
        if x.layout is not torch.strided or x.is_quantized:
            raise Unconfirmed("sparse-or-quantized")
        shape, strides = [_known(size) for size in x.shape], [_known(stride) for stride in x.stride()]
        elements = 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True) if size)
        self.left -= elements
        if self.left < 0:
            raise Unconfirmed("too-large-to-try")
        memory = np.zeros(elements * x.element_size(), dtype=np.uint8)
        whole = torch.from_numpy(memory).view(x.dtype)
        if self._integer and _may_be_sizes(x):
            whole.fill_(self._integer)
        return whole.as_strided(shape, strides)

    def convert(self, value: Any) -> Any:
        if isinstance(value, FakeTensor) or (isinstance(value, torch.Tensor) and value.is_meta):
            real = self.real(value)
            return torch.nn.Parameter(real, requires_grad=False) if isinstance(value, torch.nn.Parameter) else real
        return _known(value) if isinstance(value, torch.SymInt) else value


def refusal(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Exception | None:
    """The exception with which torch refuses this call on real tensors, whatever their integers are; else None.

    Raises Unconfirmed where the call cannot be tried.
    """
    first, *others = _INTEGERS if any(map(_may_be_sizes, tensors_in((args, kwargs)))) else _INTEGERS[:1]
    reason = _refused(function, args, kwargs, first)
    return None if any(_refused(function, args, kwargs, other) is None for other in others) else reason


def _refused(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], integer: int
) -> Exception | None:
    budget = _Budget(LARGEST, integer)
    with outside_modes(), torch.no_grad():
        real_args, real_kwargs = tree_map(budget.convert, (args, kwargs))
        spend(CALL)
        try:
            if isinstance(function, torch.nn.Module):
                weights = {name: budget.convert(tensor) for name, tensor in held_weights(function)}
                call_with(function, weights, real_args, real_kwargs)
            else:
                function(*real_args, **real_kwargs)
        except MemoryError as error:
            raise Unconfirmed("too-large-to-try") from error
        except Exception as error:
            return error.with_traceback(None)
    spend_on(LARGEST - budget.left)  # a refusal comes before any number is computed
    return None


def is_of_torch_nn(error: Exception) -> bool:
    """Whether a layer or function of torch raises by itself, not for want of a kernel, as `interpolate` of a matrix."""
    steps = steps_of(error)
    return bool(steps) and str(steps[0].tb_frame.f_globals.get("__name__")).startswith("torch.nn.")
