"""What is declared of an operator: the layers and functions that run it, and what is known of their calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from torch import nn

from convlint.ops.elementwise import Memory
from convlint.ops.requirements import Dimension
from convlint.worker.ops.breakdown.case import LayerBreakdown
from convlint.worker.ops.call import Call, Check
from convlint.worker.ops.constructor import ConstructorRule
from convlint.worker.values.sizes import Size

Shape = tuple[Size, ...]
Rule = Callable[[Call], Shape | None]
"""The shape of a call's one result; None where torch must say it."""

BOTH: frozenset[Dimension] = frozenset({"channels", "features"})
CHANNELS: frozenset[Dimension] = frozenset({"channels"})
RANKS = {"1d": 1, "2d": 2, "3d": 3}
"""The spatial dims of what torch has once for each number of them, by the end of its name."""
IMAGES = (("B", "C", "L"), ("B", "C", "H", "W"), ("B", "C", "D", "H", "W"))
"""The axes of images of one, two and three spatial dims."""
ResultMemory = Literal[Memory, "images", "square-images"]
"""`images`: channels that come last stay so; `square-images`: only with two spatial dims."""
DimRule = Literal[
    "kept", "regrouped", "moved", "taken", "indexed", "reduced", "expanded", "as-other",
    "broadcast", "joined", "product", "attention", "convolution", "linear", "weight", "looked-up",
]  # fmt: skip
"""Which dims of the operands decide the size of a dim of the result."""
SEQUENCE = ("B", "L", "F")
ROWS = ("B", "F")


@dataclass(frozen=True)
class Op:
    """One operator, as a layer, as a function or as both.

    `functions` are public names as `torch.overrides.resolve_name` gives them. A layer is found by its class, also for
    subclasses that have no forward of their own.
    """

    layers: tuple[type[nn.Module], ...] = ()
    functions: tuple[str, ...] = ()
    check: Check | None = None  # what a call requires of its inputs, with a repair of what is violated
    shape: Rule | None = None  # of the result where sizes are symbols
    axes: tuple[str, ...] = ()  # how a layer reads its input, where that was guessed
    is_rigid: bool = False  # it reads its input in no other way
    declares: Dimension | None = None  # a dimension of its result that its constructor fixes
    keeps: frozenset[Dimension] = frozenset()  # the dimensions of its first operand that its result has as well
    has_weights: bool = False  # the input is multiplied with weights, so that both have one dtype
    constructor: tuple[ConstructorRule, ...] = ()
    dims: DimRule | None = None  # where the dims of its result come from; "kept" where it keeps both dimensions
    is_on_numbers: bool = False  # torch makes plain numbers of all sizes on the way
    memory: ResultMemory | None = None  # how its result is in memory
    breakdown: LayerBreakdown | None = None  # of one number that a layer gives


def places(name: str, owners: Iterable[str] = ("torch", "torch.Tensor")) -> tuple[str, ...]:
    """The public names of a function that torch has in several places."""
    return tuple(f"{owner}.{name}" for owner in owners)


EVERYWHERE = ("torch", "torch.Tensor", "torch.nn.functional")


def same(call: Call) -> Shape | None:
    """The shape of the first operand, where it holds floating point numbers."""
    x = call.tensor(0, "input")
    return tuple(x.shape) if x is not None and x.is_floating_point() else None
