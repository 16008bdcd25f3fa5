"""One call that is about to run, as a requirement sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import sympy
import torch

from convlint.worker.values.sizes import Size
from convlint.worker.values.strides import Strides


class Ledger(Protocol):
    """Where requirements are written down while a model is traced."""

    def require(
        self,
        call: Call,
        name: str,
        operand: str,
        condition: sympy.Basic,
        *,
        actual: Size | str,
        expected: Size | str,
        argument: str | None = None,
        value: Size | None = None,
        detail: str | None = None,
    ) -> bool:
        """Record a requirement unless it holds for all sizes; true where it holds in this trace."""

    def assume(self, condition: sympy.Basic) -> None:
        """Record which way a condition goes in this trace: sizes for which it goes the other way take another path."""

    def choose(self, options: int) -> int:
        """Which of several equally good repairs to take in this trace."""

    def fresh(
        self,
        shape: tuple[Size, ...],
        like: torch.Tensor,
        dtype: torch.dtype | None = None,
        strides: Strides | None = None,
    ) -> torch.Tensor:
        """A new tensor of this shape, contiguous where no strides are given."""

    def like(self, call: Call, x: torch.Tensor) -> torch.Tensor:
        """A new tensor with the shape of `x`, and the strides that the call gives it."""

    def unknown(self, size: Size) -> Size:
        """A size that data decides, where `size` is the usual one: what depends on it proves nothing."""

    def undecided(self, most: Size, like: torch.Tensor) -> Size:
        """A size of which nothing is known but that data decides it, and how large it gets at most."""

    def bound(self, x: torch.Tensor) -> int | None:
        """What the indices in an input of forward stay below, where the user said so."""

    def rebuilds(self, made: torch.Tensor, given: torch.Tensor) -> bool:
        """Whether one tensor is made of an input of forward, and the other is that input."""

    def is_batch(self, size: Size) -> bool:
        """Whether a size is the model's batch."""


_UNSET = object()


@dataclass
class Call:
    """The arguments of a call, which a repair may replace, and its result, which a rule of shapes may give."""

    ledger: Ledger
    target: str
    args: list[Any]
    kwargs: dict[str, Any]
    layer: torch.nn.Module | None = None
    tainted: bool = False  # sizes after this call come from a repair and prove nothing
    result: Any = field(default=_UNSET)

    @property
    def is_done(self) -> bool:
        return self.result is not _UNSET

    def get(self, index: int, name: str, default: Any = None) -> Any:
        return self.args[index] if index < len(self.args) else self.kwargs.get(name, default)

    def option(self, index: int, name: str, default: Any = None) -> Any:
        """What the layer was made with, or what the function is given under the same name."""
        return self.get(index, name, default) if self.layer is None else getattr(self.layer, name, default)

    def put(self, index: int, name: str, value: Any) -> None:
        if index < len(self.args):
            self.args[index] = value
        else:
            self.kwargs[name] = value

    def tensor(self, index: int, name: str) -> torch.Tensor | None:
        value = self.get(index, name)
        return value if isinstance(value, torch.Tensor) else None

    def require(self, name: str, operand: str, condition: sympy.Basic, **facts: Any) -> bool:
        return self.ledger.require(self, name, operand, condition, **facts)

    def resized(self, tensor: torch.Tensor, dim: int, size: Size) -> torch.Tensor:
        """The tensor with one dim as a layer declares it."""
        shape: list[Size] = list(tensor.shape)
        shape[dim] = size
        return self.ledger.fresh(tuple(shape), tensor)


Check = Callable[[Call], None]


def shape_text(shape: tuple[Size, ...] | torch.Size) -> str:
    return "[" + ", ".join(str(size) for size in shape) + "]"
