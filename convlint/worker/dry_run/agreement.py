"""What several calls of one model have in common: sizes that are the same in all, and symbols for the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from convlint.inputspec import InputSpec

BATCH = "B"
_LETTERS = {1: "L", 2: "BF", 3: "BLD", 4: "BCHW", 5: "BCDHW"}

Specs = tuple[InputSpec, ...]


class Disagreement(Exception):
    """The calls are not alike but for their sizes."""


@dataclass
class Merger:
    """Names each size that differs; sizes that go together have one name."""

    symbols: dict[tuple[int, ...], str] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)

    def merged(self, alternatives: Sequence[Specs]) -> Specs:
        """Raises Disagreement."""
        if len({len(one) for one in alternatives}) != 1:
            raise Disagreement
        return tuple(self._one(list(parts)) for parts in zip(*alternatives, strict=True))

    def _one(self, specs: list[InputSpec]) -> InputSpec:
        first = specs[0]
        if all(spec == first for spec in specs):
            return first
        if any((spec.name, spec.dtype) != (first.name, first.dtype) for spec in specs):
            raise Disagreement
        if all(spec.shape is not None for spec in specs):
            return first.model_copy(update={"shape": self._shape([spec.shape or () for spec in specs])})
        if all(spec.list is not None for spec in specs):
            return first.model_copy(update={"list": self.merged([spec.list or () for spec in specs])})
        if all(spec.dict is not None for spec in specs):
            return first.model_copy(update={"dict": self._dicts(specs)})
        raise Disagreement

    def _dicts(self, specs: list[InputSpec]) -> dict[str, InputSpec]:
        keys = list(specs[0].dict or {})
        if any(list(spec.dict or {}) != keys for spec in specs):
            raise Disagreement
        return {key: self._one([(spec.dict or {})[key] for spec in specs]) for key in keys}

    def _shape(self, shapes: list[tuple[int | str, ...]]) -> tuple[int | str, ...]:
        if len({len(shape) for shape in shapes}) != 1:
            raise Disagreement
        letters = _LETTERS.get(len(shapes[0]), "")
        return tuple(
            self._size(sizes, letters[dim] if dim < len(letters) else "S")
            for dim, sizes in enumerate(zip(*shapes, strict=True))
        )

    def _size(self, sizes: tuple[int | str, ...], letter: str) -> int | str:
        if len(set(sizes)) == 1:
            return sizes[0]
        key = tuple(int(size) for size in sizes)
        if key not in self.symbols:
            number = self.taken[letter] = self.taken.get(letter, 0) + 1
            self.symbols[key] = letter if number == 1 else f"{letter}{number}"
        return self.symbols[key]


def shapes_in(specs: Specs) -> Iterator[tuple[int | str, ...]]:
    for spec in specs:
        if spec.shape is not None:
            yield spec.shape
        yield from shapes_in((*(spec.list or ()), *(spec.dict or {}).values()))


def symbols_in(specs: Specs) -> set[str]:
    return {size for shape in shapes_in(specs) for size in shape if isinstance(size, str)}
