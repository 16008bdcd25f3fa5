"""The inputs of one call against the shapes that a signature declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy
import torch

from convlint.signatures.notation import ANY, Dimension, Expression, Name, Rest, Shape, factors_of, names_in
from convlint.signatures.parse import parse_shape
from convlint.signatures.schema import InputForm
from convlint.worker.ops.signatures.scope import CallScope, Undetermined
from convlint.worker.values.sizes import Size, divides, equal, product


@dataclass(eq=False)
class DeclaredSize:
    """One dimension of one input, and the size that it has."""

    tensor: torch.Tensor
    input: str
    axis: int
    size: Size
    dim: Expression | Rest
    expected: Size | None = None  # of a `*name` that is known
    divisor: Size | None = None  # where the size has given a name its value: it must divide the size

    def condition(self, scope: CallScope) -> tuple[sympy.Basic, Size | str]:
        """What must hold, and the size that is needed. Raises Undetermined."""
        if self.divisor is not None:
            return divides(self.divisor, self.size), f"a multiple of {self.divisor}"
        if isinstance(self.dim, Rest):
            assert self.expected is not None
            return equal(self.size, self.expected), self.expected
        expected = scope.size(self.dim)
        return equal(self.size, expected), expected


@dataclass(frozen=True, eq=False)
class WrongRank:
    """An input with another number of dimensions."""

    tensor: torch.Tensor
    input: str
    expected: int | str


@dataclass
class InputBinding:
    """Finds out which sizes the names stand for."""

    scope: CallScope
    places: list[DeclaredSize] = field(default_factory=list)  # where a size is not just what a name stands for
    wrong: list[WrongRank] = field(default_factory=list)

    def bind(self, given: Mapping[str, tuple[InputForm, Any]]) -> None:
        """Go through the inputs; the first size that a name meets is its value."""
        for name, (form, value) in given.items():
            shape = parse_shape(form.text)
            if form.parts is None:
                self._bind_tensor(name, shape, value)
            else:
                self._bind_list(name, shape, value)
        self._solve()

    def _bind_tensor(self, name: str, shape: Shape, x: torch.Tensor) -> None:
        lengths = [self._length(dim) for dim in shape]
        fixed = sum(length for length in lengths if length is not None)
        is_open = None in lengths
        if x.dim() < fixed or (not is_open and x.dim() != fixed):
            self.wrong.append(WrongRank(x, name, f"at least {fixed}" if is_open else fixed))
            return
        axis = 0
        for dim, length in zip(shape, lengths, strict=True):
            count = x.dim() - fixed if length is None else length
            sizes: tuple[Size, ...] = tuple(x.shape[axis : axis + count])
            if isinstance(dim, Rest):
                self._bind_rest(DeclaredSize(x, name, axis, 0, dim), sizes, is_known=length is not None)
            else:
                self._bind_one(DeclaredSize(x, name, axis, sizes[0], dim))
            axis += count

    def _length(self, dim: Dimension) -> int | None:
        """How many dimensions of a tensor one of a shape is for; None where that is open."""
        if not isinstance(dim, Rest):
            return 1
        return len(self.scope.rest(dim)) if self.scope.has(dim.name) else None

    def _bind_rest(self, first: DeclaredSize, sizes: Sequence[Size], *, is_known: bool) -> None:
        assert isinstance(first.dim, Rest)
        if not is_known:
            self.scope.bind(first.dim.name, tuple(sizes))
            return
        for i, (size, known) in enumerate(zip(sizes, self.scope.rest(first.dim), strict=True)):
            self.places.append(DeclaredSize(first.tensor, first.input, first.axis + i, size, first.dim, known))

    def _bind_one(self, place: DeclaredSize) -> None:
        name = place.dim.name if isinstance(place.dim, Name) else None
        if name == ANY:
            return
        if name is not None and not self.scope.has(name):
            self.scope.bind(name, place.size)
        else:
            self.places.append(place)

    def _bind_list(self, name: str, shape: Shape, tensors: Sequence[torch.Tensor]) -> None:
        """Names that only a list has stand for the sum over it."""
        names = [dim.name for dim in shape if isinstance(dim, Name) and not self.scope.has(dim.name)]
        own = [one for one in names if one != ANY]
        sums: dict[str, Size] = {}
        for x in tensors:
            self._bind_tensor(name, shape, x)
            for one in own:
                if one in self.scope.values:
                    size = self.scope.values.pop(one)
                    sums[one] = sums[one] + size if one in sums else size
        for one, size in sums.items():
            self.scope.bind(one, size)

    def _solve(self) -> None:
        """Products with one unknown factor give it a value: the `h` of `(h p)` where p is known."""
        while any(self._solved(place) for place in self.places if place.divisor is None):
            pass  # a name that has got its value may be what another product lacked

    def _solved(self, place: DeclaredSize) -> bool:
        factors = factors_of(place.dim)
        unknown = [name for name in dict.fromkeys(names_in(place.dim)) if not self.scope.has(name)]
        if len(unknown) != 1 or factors.count(Name(unknown[0])) != 1:
            return False
        try:
            divisor = product(self.scope.sizes(tuple(one for one in factors if one != Name(unknown[0]))))
        except Undetermined:
            return False
        if isinstance(divisor, int) and divisor < 1:
            return False
        self.scope.bind(unknown[0], place.size // divisor)
        place.divisor = divisor
        return True
