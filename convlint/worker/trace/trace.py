"""What one run of forward is made of, and small readings of its values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import sympy
import torch
from torch import fx
from torch.overrides import resolve_name

from convlint.facts import Reason
from convlint.worker.stack.places import FramePlace
from convlint.worker.stack.users import IsUser
from convlint.worker.torch_private.fake import FakeTensor, FakeTensorMode
from convlint.worker.torch_private.symbols import SizeEnv, expr_of
from convlint.worker.trace.trail import Trail
from convlint.worker.values.nesting import tensors_in
from convlint.worker.values.sizes import Size

MAX_NODES = 200_000


class TraceAborted(BaseException):
    """Leaves the user's forward where the trace cannot tell; no `except Exception` may catch it."""

    def __init__(self, reason: Reason, place: FramePlace | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place


@dataclass(frozen=True)
class TraceSetting:
    """What a trace depends on besides the model and its inputs."""

    mode: FakeTensorMode
    env: SizeEnv | None  # None where every size is a plain number
    hints: Mapping[sympy.Basic, sympy.Basic]  # symbol -> its number in this trace
    batch: Size | None
    is_user: IsUser
    choices: Sequence[int] = ()  # which repair to take, in order
    decisions: Sequence[bool] = ()  # which way to go at branches on data, in order
    limit: int = MAX_NODES
    is_quick: bool = False  # shapes by rule where there is one, also between plain numbers
    bounds: Mapping[int, int] = field(default_factory=dict)  # id of an input's tensor -> what its integers stay below


@dataclass
class Trace:
    """What one run of forward gave."""

    graph: fx.Graph
    nodes: list[fx.Node] = field(default_factory=list)
    trail: Trail = field(default_factory=Trail)
    output: Any = None
    decisions: list[tuple[FramePlace | None, bool]] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)  # those that no input decides: in a real run they go one way only
    read: list[fx.Node] = field(default_factory=list)  # whose values forward asked for
    ambiguous: list[int] = field(default_factory=list)  # options of each repair that was a choice


@dataclass(frozen=True, slots=True)
class TensorMeta:
    """A tensor's shape and dtype, kept without the tensor."""

    shape: tuple[Size, ...]
    dtype: str
    device: str

    @property
    def formulas(self) -> tuple[sympy.Expr, ...]:
        """The sizes as expressions, which can be compared without a guard."""
        return tuple(map(expr_of, self.shape))


def tensor_meta(x: torch.Tensor) -> TensorMeta:
    return TensorMeta(tuple(x.shape), str(x.dtype).removeprefix("torch."), x.device.type)


def has_tensor(values: Iterable[Any]) -> bool:
    return any(True for value in values for _ in tensors_in(value))


def has_fake(values: Iterable[Any]) -> bool:
    return any(isinstance(x, FakeTensor) for value in values for x in tensors_in(value))


def has_symbol(values: Iterable[Any]) -> bool:
    """Whether a size without a number is among some arguments, or in a shape among them."""
    return any(
        isinstance(value, torch.SymInt) or (isinstance(value, (tuple, list)) and has_symbol(value)) for value in values
    )


def is_symbolic(x: torch.Tensor) -> bool:
    return any(isinstance(size, torch.SymInt) for size in x.shape)


@lru_cache(maxsize=4096)
def function_name(function: Callable[..., Any]) -> str:
    """The public name of a torch function: `torch.nn.functional.linear`, `torch.Tensor.view`."""
    name = str(resolve_name(function) or getattr(function, "__name__", "?"))
    if getattr(function, "__module__", None) == "torch.autograd":  # of these torch says the last part alone
        name = f"torch.autograd.{name}"
    return "torch.mm" if name == "torch.spmm" else name  # one function, of which torch says the rarer name


def is_in_place(short: str) -> bool:
    """Whether a function of this name writes into its first argument: `add_`, `__iadd__`, `__setitem__`."""
    if not short.endswith("__"):
        return short.endswith("_")
    return short == "__setitem__" or (short.startswith("__i") and short not in ("__int__", "__index__", "__invert__"))


def type_name(kind: type) -> str:
    """The public name of a class: `torch.nn.Linear`."""
    if kind.__module__.startswith("torch.nn.modules."):
        return f"torch.nn.{kind.__qualname__}"
    return f"{kind.__module__}.{kind.__qualname__}"


def is_small_and_real(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call has tensors with values, and nothing that is fake or a symbol."""
    given = (*args, *kwargs.values())
    return has_tensor(args) and not has_fake(given) and not has_symbol(given)
