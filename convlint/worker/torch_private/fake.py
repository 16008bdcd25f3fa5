"""Tensors that have a shape and no content, and what they cannot tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from types import FrameType
from typing import Any

import torch
from torch._subclasses import fake_tensor as _fake
from torch.fx.experimental import symbolic_shapes as _symbolic
from torch.fx.experimental.sym_node import SymNode
from torch.utils import _python_dispatch as _dispatch
from torch.utils import _pytree

from convlint.worker.torch_private.symbols import SizeEnv

tree_map = _pytree.tree_map

FakeTensor = _fake.FakeTensor

FakeTensorMode = _fake.FakeTensorMode


def is_inner_call(function: Callable[..., Any], caller: FrameType) -> bool:
    """Whether torch calls itself on the way to a fake tensor, as below `torch.FloatTensor(size)`.

    No function mode hears of such a call where the tensors are real.
    """
    is_for_fake = str(caller.f_globals.get("__name__")).startswith(("torch._subclasses.", "torch.nn.parameter"))
    return is_for_fake or isinstance(function, torch._ops.OpOverload)


# FakeTensor's own tolist makes a symbol of each value before any mode sees the call.
if "tolist" in vars(FakeTensor):
    del FakeTensor.tolist

_UNSUPPORTED = (
    "DataDependentOutputException",
    "DynamicOutputShapeException",
    "UnsupportedFakeTensorException",
    "UnsupportedOperatorException",
    "UnsupportedMutationAliasingException",
)

UNDECIDABLE: tuple[type[Exception], ...] = (
    *(getattr(_fake, name) for name in _UNSUPPORTED if hasattr(_fake, name)),
    _symbolic.GuardOnDataDependentSymNode,
    NotImplementedError,
)
"""What a fake tensor raises where it cannot tell: never an error of the user's."""

UNREADABLE: tuple[type[Exception], ...] = (*UNDECIDABLE, RuntimeError)
"""What reading a fake tensor's value may raise."""


class OneMode(FakeTensorMode):  # type: ignore[no-untyped-call]
    """A mode that a deep copy of its tensors shares; torch would copy the mode with each of them."""

    def __deepcopy__(self, memo: dict[int, Any]) -> OneMode:
        return self


def new_mode(env: SizeEnv | None) -> FakeTensorMode:
    """A fake mode that takes the small real tensors that constructors made."""
    mode = OneMode(allow_non_fake_inputs=True, shape_env=env)
    # Results under the symbols of one trace are of no use to the next, and to look them up takes half of a trace.
    mode.cache_enabled = False
    return mode


def set_env(mode: FakeTensorMode, env: SizeEnv | None) -> None:
    """Give one fake mode, whose parameters stay, the sizes of a new trace."""
    mode.shape_env = env
    mode.static_shapes = env is None


def blank(shape: tuple[int | torch.SymInt, ...], dtype: torch.dtype, order: Sequence[int]) -> torch.Tensor:
    """A shape without contents, of which `fake_of` makes tensors: symbolic strides are dear to work out.

    `order` holds the dims from the largest stride to the smallest. The sizes are those of a tensor that there is: that
    none is negative need not be proved.
    """
    with outside_modes(), _known_as_sizes():
        if list(order) == sorted(order):
            return torch.empty(shape, dtype=dtype, device="meta")
        strides: list[int | torch.SymInt] = [1] * len(order)
        for outer, inner in reversed(list(pairwise(order))):
            strides[outer] = strides[inner] * shape[inner]
        return torch.empty_strided(shape, strides, dtype=dtype, device="meta")


@contextmanager
def _known_as_sizes() -> Iterator[None]:
    """torch would work out in sympy that each size of a new tensor is at least 0, and keep it as a guard.

    It asks the same of the strides, as `max(size, 1)`: a tensor without elements has none that count.
    """
    answers: dict[str, Callable[..., SymNode]] = {"ge": _granted, "sym_max": _the_size}
    originals = {name: getattr(SymNode, name) for name in answers}
    for name, answer in answers.items():
        setattr(SymNode, name, answer)
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(SymNode, name, original)


def _granted(size: SymNode, _: SymNode) -> SymNode:
    return size.wrap_bool(True)


def _the_size(size: SymNode, _: SymNode) -> SymNode:
    return size


def fake_of(mode: FakeTensorMode, pattern: torch.Tensor) -> torch.Tensor:
    """A fake tensor on the CPU with the shape and dtype of a blank, without a call through torch's dispatcher."""
    return FakeTensor(mode, pattern, torch.device("cpu"))


def has_constant(x: torch.Tensor) -> bool:
    """Whether torch knows the values of a fake tensor, as of one that `torch.tensor(3)` makes."""
    return getattr(x, "constant", None) is not None


def outside_modes() -> Any:
    """A context in which tensors are real again, to ask torch itself for a verdict."""
    return _fake.unset_fake_temporarily()


class DispatchMode(_dispatch.TorchDispatchMode):
    """What hears of every operation below autograd. torch documents it as the way to do so, in a private module."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()  # type: ignore[no-untyped-call]


def storage_key(x: torch.Tensor) -> int:
    """What tells the memory of a tensor from that of others, also where it has no address."""
    return int(x.untyped_storage()._cdata)
