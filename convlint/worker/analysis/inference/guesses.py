"""What an input of forward is taken for before its layers have spoken."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from convlint.conventions import input_convention
from convlint.facts import Basis, Span
from convlint.inputspec import InputSpec
from convlint.worker.trace.forward_parameters import Key, parameters_of, parts_of
from convlint.worker.trace.input import BATCH, Input
from convlint.worker.trace.origin import ANNOTATED, GUESSED, NAMED, TRIED, ShapeSource

RANKS: dict[int, tuple[str, ...]] = {
    1: ("B",),
    2: ("B", "F"),
    3: ("B", "L", "F"),
    4: ("B", "C", "H", "W"),
    5: ("B", "C", "D", "H", "W"),
}

_MEANT = frozenset("BNCDHW")
"""The letters of axes that are more than a size."""

PER_SAMPLE = (("B",), ("B", "1"))
"""The axes of an input with one number a sample."""
FILLED = 5
"""The value of lengths that forward reads: no longer than the sequences that are tried."""

# Values of parameters that are not tensors, by their annotation.
_PLAIN: dict[Any, Any] = {
    int: 1,
    float: 0.5,
    bool: False,
    str: "",
    "int": 1,
    "float": 0.5,
    "bool": False,
    "str": "",
}


@dataclass(frozen=True)
class Guess:
    """An input whose shape is not known yet: the axes tried now, fixed sizes by dim, and the dtype."""

    axes: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...] = ()
    dtype: str = "float32"
    source: ShapeSource = GUESSED
    is_settled: bool = False  # a layer takes no other rank
    is_shared: bool = False  # its sizes are those of the other inputs
    given: InputSpec | None = None  # taken as it is
    filled: int | None = None  # of `Input`
    is_named: bool = False  # its axes are names of the user's, alike in all inputs
    fed: Span | None = None  # of `Input`

    def spec(self, number: int, keyword: str | None) -> InputSpec:
        if self.given is not None:
            return self.given.model_copy(update={"name": keyword})
        fixed = dict(self.sizes)
        shape: list[int | str] = []
        for dim, axis in enumerate(self.axes):
            is_alike = axis in (BATCH, "N") or number == 1 or self.is_shared or self.is_named
            own = axis if is_alike else f"{axis}{number}"
            shape.append(fixed.get(dim, own))
        return InputSpec(name=keyword, shape=tuple(shape), dtype=self.dtype)


@dataclass(frozen=True)
class GuessedInput:
    """One input to be guessed. `parameter` has the name and annotation that support it."""

    name: str
    parameter: inspect.Parameter
    within: tuple[str, Key] | None = None


def fixed(spec: InputSpec, source: ShapeSource, fed: Span | None = None) -> Guess:
    """An input that is known already."""
    return Guess(tuple(map(str, spec.shape or ())), source=source, is_settled=True, given=spec, fed=fed)


def opened(slot: GuessedInput, spec: InputSpec, source: ShapeSource) -> Guess:
    """An input told in names of sizes, which layers may still put numbers in the place of."""
    shape = spec.shape or ()
    meant = first_guess(slot.parameter).dtype if spec.dtype == InputSpec().dtype else spec.dtype
    return Guess(tuple(map(str, shape)), _numbers(shape), meant, source, is_named=True)


_TOKENS = Guess(("B", "L"), dtype="int64", source=NAMED)
_PER_SAMPLE = Guess(("B",), dtype="int64", source=NAMED)
_NOTHING = Guess((), source=NAMED, given=InputSpec(value=None))


def _by_name(name: str) -> Guess | None:
    """What a name means; layers that disagree are believed rather than this."""
    convention = input_convention(name)
    if convention is None:
        return None
    if convention.shape is None:
        return Guess((), source=NAMED, given=InputSpec(value=convention.value))
    return Guess(tuple(map(str, convention.shape)), _numbers(convention.shape), convention.dtype, NAMED)


def _numbers(shape: Iterable[int | str]) -> tuple[tuple[int, int], ...]:
    """The sizes of a shape that are numbers, by dim."""
    return tuple((dim, size) for dim, size in enumerate(shape) if isinstance(size, int))


_DTYPES = {"LongTensor": "int64", "IntTensor": "int32", "BoolTensor": "bool"}


def first_guess(parameter: inspect.Parameter, *, is_first: bool = False) -> Guess:
    """By annotation, else by name, else an image. The first parameter is what the model is about, hence a tensor."""
    if parameter.annotation in _PLAIN:
        return Guess((), source=ANNOTATED, is_settled=True, given=InputSpec(value=_PLAIN[parameter.annotation]))
    dtype = next((d for name, d in _DTYPES.items() if name in str(parameter.annotation)), None)
    found = _by_name(parameter.name)
    if found is not None and not (is_first and found.given is not None):
        return found
    return Guess(RANKS[2] if dtype else RANKS[4], dtype=dtype or "float32")


def other_forms(parameter: inspect.Parameter, current: Guess) -> list[Guess]:
    """What else an input may be, if neither its first guess nor another rank is taken."""
    forms = [_NOTHING, _TOKENS, _PER_SAMPLE, Guess(("B", "L"), dtype="bool", source=TRIED)]
    forms.append(Guess(("B", "L", "F"), dtype="int64", source=TRIED))
    if current.given is not None:
        forms[:0] = [Guess(RANKS[rank], source=TRIED) for rank in (3, 2, 4)]
    if current.axes in PER_SAMPLE:
        forms.insert(0, Guess(("B", "1"), ((1, 1),), current.dtype, NAMED))
    if "mask" in parameter.name.lower():
        forms[1:1] = [
            Guess(("L", "L"), dtype="bool", source=TRIED),
            Guess(("B", "1", "1", "L"), ((1, 1), (2, 1)), "bool", TRIED),
        ]
    return [form for form in forms if form != current and form.spec(1, None) != current.spec(1, None)]


def slots(model: nn.Module, known: Collection[str] = ()) -> Iterator[GuessedInput]:
    """The inputs that are guessed one by one: what forward takes, and the parts of what it takes apart."""
    parts = parts_of(model)
    for parameter in parameters_of(model):
        apart = parts.get(parameter.name)
        if apart is None or parameter.name in known:
            yield GuessedInput(parameter.name, parameter)
            continue
        for key in apart.keys:
            like = inspect.Parameter(str(key) if isinstance(key, str) else parameter.name, parameter.kind)
            yield GuessedInput(apart.named(parameter.name, key), like, (parameter.name, key))


def with_source(item: Input, guess: Guess) -> Input:
    """An input with what is known of it by now: its source, and whether another rank is possible."""
    origin: Basis = "layers"
    if not guess.source.is_confirmed:
        origin = "guess"
    elif guess.given is not None and guess.source != ANNOTATED:
        origin = "evidence"
    is_settled = guess.is_settled or guess.given is not None
    return replace(item, source=guess.source, origin=origin, is_settled=is_settled)


def guessed(model: nn.Module, guesses: Mapping[str, Guess]) -> tuple[Input, ...]:
    """The inputs for a trial: tensors as guessed so far, plain values where the annotation asks for one."""
    result: list[Input] = []
    number = 0
    for slot in slots(model, guesses):
        is_keyword = slot.parameter.kind is inspect.Parameter.KEYWORD_ONLY
        guess = guesses.get(slot.name) or first_guess(slot.parameter, is_first=not result)
        number += guess.given is None
        spec = guess.spec(number, slot.name if is_keyword else None)
        made = Input(slot.name, spec, guess.source, is_keyword, slot.within, filled=guess.filled, fed=guess.fed)
        result.append(with_source(made, guess))
    return tuple(result)


def kind_of(guesses: Mapping[str, Guess]) -> Hashable:
    """What tells guesses apart: not how an axis is called, as long as the same axes are alike."""
    names: dict[str, int] = {}
    kind: list[Hashable] = []
    number = 0
    for name, guess in guesses.items():
        number += guess.given is None
        spec = guess.spec(number, None)
        shape = [
            size if isinstance(size, int) or size[0] in _MEANT else (names.setdefault(size, len(names)),)
            for size in spec.shape or ()
        ]
        kind.append((name, repr(guess.given), tuple(shape), guess.dtype, guess.filled))
    return tuple(kind)
