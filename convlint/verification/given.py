"""Numbers that the user gives as an input of forward, in a JSON file: nested lists, by name where there are several."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from convlint.complaint import suggestion
from convlint.config.error import ConfigError
from convlint.facts import RunInput

_Shape = tuple[int, ...]


def read_numbers(filename: str) -> Any:
    """What the file holds. Raises ConfigError."""
    try:
        with open(filename, encoding="utf-8") as file:
            return json.load(file)
    except OSError as error:
        raise ConfigError(f"{filename}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{filename}: not valid JSON: {error}") from None


def with_numbers(feed: Sequence[RunInput], given: Any, filename: str) -> tuple[tuple[RunInput, ...], dict[str, int]]:
    """The inputs with the numbers that are given, and the sizes that these have by symbol. Raises ConfigError."""
    by_name = given if isinstance(given, dict) else {feed[0].name: given}
    names = [item.name for item in feed]
    for name in by_name:
        if name not in names:
            raise ConfigError(f'{filename}: forward takes no input "{name}"{suggestion(name, names)}')
    sizes: dict[str, int] = {}
    filled = [_filled(item, by_name[item.name], filename, sizes) if item.name in by_name else item for item in feed]
    return tuple(filled), sizes


def _filled(item: RunInput, value: Any, filename: str, sizes: dict[str, int]) -> RunInput:
    wanted = item.spec.shape
    if wanted is None:
        raise ConfigError(f"{filename}: the input {item.name} is not a tensor, so values cannot be given for it")
    shape, numbers = _flat(value, f"{filename}: {item.name}")
    if len(shape) == len(wanted) - 1:  # one sample
        shape = (1, *shape)
    if len(shape) != len(wanted) or not all(_fits(a, b, sizes) for a, b in zip(wanted, shape, strict=True)):
        taken = ", ".join(map(str, wanted))
        raise ConfigError(f"{filename}: {item.name} is {list(shape)} there, but forward takes [{taken}]")
    return item.model_copy(update={"numbers": tuple(numbers)})


def _fits(wanted: int | str, size: int, sizes: dict[str, int]) -> bool:
    """Whether a size is the one that is wanted; a symbol is from then on that number."""
    return size == (sizes.setdefault(wanted, size) if isinstance(wanted, str) else wanted)


def _flat(value: Any, where: str) -> tuple[_Shape, list[float]]:
    """The sizes of nested lists, and their numbers row by row."""
    if not isinstance(value, list):
        if not _is_number(value):
            raise ConfigError(f"{where} holds {json.dumps(value)}, where a number or a list of numbers belongs")
        return (), [value]
    parts = [_flat(item, where) for item in value]
    shapes = {shape for shape, _ in parts}
    if len(shapes) > 1:
        raise ConfigError(f"{where} has lists of different lengths next to each other")
    inner = shapes.pop() if shapes else ()
    return (len(value), *inner), [number for _, numbers in parts for number in numbers]


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= sys.float_info.max  # nor nan
