"""The inputs of forward: from what is declared, or found out by trying and listening to the first layers."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from convlint.facts import Basis, InputOrigin, Span
from convlint.inputspec import InputSpec
from convlint.worker.torch_private.fake import outside_modes
from convlint.worker.trace.forward_parameters import Key, Parts, parameters_of
from convlint.worker.trace.origin import ShapeSource

BATCH = "B"
_HINTS = {"B": 26, "N": 26, "C": 12, "D": 384, "H": 640, "W": 896, "L": 24, "T": 24, "S": 24, "F": 40}
"""Sizes that a symbol has in a first trace: distinct, and divisible by what nets usually divide by."""
_OTHER = 36


def hint(symbol: str) -> int:
    """The size of a symbol in a first trace: by its letter, a little larger for each number after it."""
    letter = symbol.rstrip("0123456789")
    number = int(symbol[len(letter) :] or 1)
    base = _HINTS.get(letter, _OTHER + sum(map(ord, letter)) % 5 * 4)
    return base if letter in ("B", "N") else base + (number - 1) * (64 if base > 100 else 2)


@dataclass(frozen=True)
class Input:
    """One argument of forward: how it is made, and how we know."""

    name: str
    spec: InputSpec
    source: ShapeSource
    keyword: bool = False
    within: tuple[str, Key] | None = None  # the parameter that this is a part of, and its key there
    origin: Basis = "evidence"
    is_settled: bool = True  # no other rank is possible: it is declared, shown, or asked for by a layer
    filled: int | None = None  # a real tensor of this value, for a forward that reads it
    fed: Span | None = None  # the call of the user's code that feeds it


def symbols_of(inputs: tuple[Input, ...]) -> list[str]:
    """The names of all unknown sizes, in order of appearance."""
    return list(dict.fromkeys(size for item in inputs for size in _symbols(item.spec)))


def _symbols(spec: InputSpec) -> Iterator[str]:
    yield from (size for size in spec.shape or () if isinstance(size, str))
    for inner in (*(spec.list or ()), *(spec.dict or {}).values()):
        yield from _symbols(inner)


def declared(
    model: nn.Module,
    specs: tuple[InputSpec, ...],
    source: str | None,
    fed: Span | None = None,
    origin: InputOrigin = "evidence",
) -> tuple[Input, ...]:
    """The inputs as the configuration, the command line or a call gives them."""
    parameters = parameters_of(model)
    keywords = {parameter.name for parameter in parameters if parameter.kind is inspect.Parameter.KEYWORD_ONLY}
    result = []
    for i, spec in enumerate(specs):
        name = spec.name or (parameters[i].name if i < len(parameters) else f"input{i}")
        result.append(
            Input(name, spec, ShapeSource(origin, source), keyword=spec.name is not None or name in keywords, fed=fed)
        )
    return tuple(result)


def assembled(parts: Mapping[str, Parts], values: Sequence[tuple[Input, Any]]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of forward, by position and by keyword, with the parts of one parameter put together."""
    taken_apart: dict[str, dict[Key, Any]] = {}
    for item, value in values:
        if item.within is not None:
            taken_apart.setdefault(item.within[0], {})[item.within[1]] = value
    wholes = {owner: parts[owner].together(found) for owner, found in taken_apart.items()}
    args: dict[str, Any] = {}
    kwargs: dict[str, Any] = {}
    for item, value in values:
        owner = item.within[0] if item.within is not None else item.name
        (kwargs if item.keyword else args)[owner] = wholes.get(owner, value)
    return list(args.values()), kwargs


def make_input(item: Input, sizes: Mapping[str, Any]) -> Any:
    """The value of an input, inside the fake mode: a real tensor where forward reads what is in it."""
    if item.filled is None:
        return make(item.spec, sizes)
    shape = [sizes[size] if isinstance(size, str) else size for size in item.spec.shape or ()]
    if not all(isinstance(size, int) for size in shape):  # only plain numbers have contents
        return make(item.spec, sizes)
    with outside_modes():
        return torch.full(shape, item.filled, dtype=torch.int64)


def make(spec: InputSpec, sizes: Mapping[str, Any]) -> Any:
    """The value that forward gets; call it inside the fake mode."""
    if spec.shape is not None:
        shape = [sizes[size] if isinstance(size, str) else size for size in spec.shape]
        dtype = getattr(torch, spec.dtype, None)
        if not isinstance(dtype, torch.dtype):
            raise ValueError(f"torch has no dtype {spec.dtype!r}")
        return torch.empty(shape, dtype=dtype)
    if spec.list is not None:
        return [make(item, sizes) for item in spec.list]
    if spec.dict is not None:
        return {key: make(item, sizes) for key, item in spec.dict.items()}
    return spec.value


def bounds(spec: InputSpec, value: Any) -> Iterator[tuple[int, int]]:
    """The id of each tensor in an input that has a bound, and the bound."""
    if spec.high is not None and isinstance(value, torch.Tensor):
        yield id(value), spec.high
    for inner, part in zip(spec.list or (), value if spec.list is not None else (), strict=True):
        yield from bounds(inner, part)
    for key, inner in (spec.dict or {}).items():
        yield from bounds(inner, value[key])
