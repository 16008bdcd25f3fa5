"""Arguments of a call as inputs: shapes and dtypes, or plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch

from convlint.inputspec import InputSpec
from convlint.worker.user_code.standins import StandIn


class NoInput(Exception):
    """A value that no input of a trace can be."""


def spec_of(value: Any, name: str | None = None) -> InputSpec:
    """Raises NoInput."""
    if isinstance(value, torch.Tensor):
        if value.is_nested or value.layout is not torch.strided:
            raise NoInput
        sizes = tuple(int(size) for size in value.shape)
        return InputSpec(name=name, shape=sizes, dtype=str(value.dtype).removeprefix("torch."))
    if is_plain(value):
        return InputSpec(name=name, value=list(value) if isinstance(value, tuple) else value)
    if type(value) in (list, tuple):
        return InputSpec(name=name, list=tuple(spec_of(item) for item in value))
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return InputSpec(name=name, dict={key: spec_of(item) for key, item in value.items()})
    raise NoInput


def spec_or_none(value: Any) -> InputSpec | None:
    try:
        return spec_of(value)
    except NoInput:
        return None


def is_plain(value: Any) -> bool:
    if type(value) in (list, tuple, torch.Size):
        return all(is_plain(item) for item in value)
    return value is None or isinstance(value, bool | int | float | str)


def specs_of(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[tuple[InputSpec, ...], tuple[InputSpec, ...]]:
    """By position and by name. Raises NoInput."""
    return tuple(spec_of(arg) for arg in args), tuple(spec_of(arg, name) for name, arg in kwargs.items())


def map_tensors(value: Any, change: Callable[[torch.Tensor], Any], depth: int = 6) -> Any:
    """A value with other tensors in it, through containers."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, StandIn) or not depth:
        return value

    def inner(part: Any) -> Any:
        return map_tensors(part, change, depth - 1)

    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(inner, value))
    if type(value) in (list, tuple):
        return type(value)(map(inner, value))
    if type(value) is dict:
        return {key: inner(item) for key, item in value.items()}
    return _of_object(value, inner)


def _of_object(value: Any, inner: Callable[[Any], Any]) -> Any:
    """What holds tensors as a mapping around a dict, or as a dataclass, is changed itself."""
    held = getattr(value, "data", None) if isinstance(value, Mapping) else None
    if isinstance(held, dict):
        held.update({key: inner(item) for key, item in held.items()})
    elif is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            before = getattr(value, one.name, None)
            if (after := inner(before)) is not before:
                object.__setattr__(value, one.name, after)
    return value
