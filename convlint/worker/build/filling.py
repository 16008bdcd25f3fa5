"""Plausible arguments for a constructor that nobody calls: several styles, and other values where one is refused."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import torch
from torch import nn

from convlint.conventions import ArgumentKind, argument_kind
from convlint.worker.build.styles import Style, plain_values
from convlint.worker.build.uses import ParameterUse, uses_of
from convlint.worker.user_code.guessed import GuessedConfig
from convlint.worker.user_code.parameters import parameters_of, required

LENGTH = "(length)"
"""What sequences of a length that nothing says have in common."""


_UNKNOWN = ParameterUse()
Alternative = Callable[[], Any]


@dataclass(frozen=True)
class Names:
    """What the file itself says of values: its own definitions, and the texts that it compares names with."""

    values: Mapping[str, Any]
    texts: Mapping[str, tuple[str, ...]]


@dataclass
class Filler:
    """Guesses values for one construction. `choices` says which alternative an argument has come to."""

    style: Style
    names: Names
    choices: dict[str, int] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()  # arguments to be filled although they have a default
    unset: set[str] = field(default_factory=set)  # those left at a default that stands for nothing
    offered: dict[str, int] = field(default_factory=dict)  # how many alternatives each argument has
    _sizes: Iterator[int] = field(init=False)
    _known: dict[str, int] = field(default_factory=dict)
    _depth: int = 0

    def __post_init__(self) -> None:
        self._sizes = _cycle(self.style.sizes)

    def value(self, name: str, annotation: Any = None, use: ParameterUse = _UNKNOWN) -> Any:
        """The value of an argument in this attempt."""
        options = self._suited(name, self._alternatives(name, annotation), use)
        self.offered[name] = len(options)
        return options[min(self.choices.get(name, 0), len(options) - 1)]()

    def arguments(self, function: Callable[..., Any], given: Sequence[str] = ()) -> dict[str, Any]:
        """Values for the parameters that need one and are not given. Raises TypeError where there is no signature."""
        try:
            hints = typing.get_type_hints(
                vars(function).get("__init__", function) if isinstance(function, type) else function
            )
        except Exception:
            hints = {}
        uses = uses_of(function)
        left = [p for p in parameters_of(function) if p.name not in given]
        self.unset |= {p.name for p in left if p.default is None or (type(p.default) is int and p.default == -1)}
        return {
            p.name: self.value(p.name, hints.get(p.name, p.annotation), uses.get(p.name, _UNKNOWN))
            for p in left
            if p.default is p.empty or p.name in self.asked
        }

    def size(self, name: str) -> int:
        """The same size for the same name, and another one for another."""
        if name not in self._known:
            self._known[name] = next(self._sizes)
        return self._known[name]

    def _alternatives(self, name: str, annotation: Any) -> list[Alternative]:
        texts = self.names.texts.get(name, ())
        if texts and annotation in (inspect.Parameter.empty, None, str):
            return [*(lambda text=text: text for text in texts), *self._by_kind(name)]
        by_type = self._by_annotation(name, annotation)
        return by_type if by_type is not None else self._by_kind(name)

    def _suited(self, name: str, options: list[Alternative], use: ParameterUse) -> list[Alternative]:
        """With the values first that fit what the constructor does with them."""
        tables = (self.names.values.get(table) for table in sorted(use.keys_of))
        keys = [key for table in tables if isinstance(table, Mapping) for key in list(table)[:6]]
        if keys:
            return [*(lambda key=key: key for key in keys), *options]
        kind = argument_kind(name)
        if use.is_many and kind != "config":
            return [*self._many(name, use), *options]
        if use.is_number and kind == "sizes":
            return [lambda: self.size(name), *options]
        if use.is_called and kind not in ("block", "norm", "activation", "module", "function", "config"):
            return [*self._classes(name), lambda: nn.Identity, nn.Identity, *options]
        return options

    def _many(self, name: str, use: ParameterUse) -> list[Alternative]:
        """Sequences of what one of the kind would be: `kernel_sizes` are several of `kernel_size`."""
        lengths = [n for n in ((4, 3, 2, 5, 6) if self.style.name == "other" else (3, 4, 2, 5, 6)) if use.holds(n)]
        length = use.count or (lengths[0] if lengths else use.least)
        if len(lengths) > 1:
            self.offered[LENGTH] = 5
            length = lengths[min(self.choices.get(LENGTH, 0), len(lengths) - 1)]
        kind = argument_kind(name.removesuffix("s"))
        one = next((v for v in plain_values(self.style).get(kind, []) if type(v) in (int, float)), None)
        values = [self.size(f"{name}[{i}]") if one is None else one for i in range(length)]
        return [lambda: values, lambda: tuple(values)]

    def _by_annotation(self, name: str, annotation: Any) -> list[Alternative] | None:
        if annotation is inspect.Parameter.empty:
            return None
        origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
        if origin in (typing.Union, types.UnionType):
            return self._by_annotation(name, next((a for a in inner if a is not type(None)), None))
        if origin is typing.Literal:
            return [lambda value=value: value for value in inner]  # type: ignore[misc]
        if origin in (list, tuple, typing.Sequence) or annotation in (list, tuple):
            return self._lists(name)
        if annotation in (bool, float, str, int):
            return self._of_scalar(name, annotation)
        if isinstance(annotation, type) and annotation.__module__ != "builtins":
            return self._of_class(annotation)
        return None

    def _of_scalar(self, name: str, kind: type) -> list[Alternative]:
        if kind is bool:
            return [lambda: False, lambda: True]
        if kind is float:
            return [lambda: 0.1, lambda: 1.0]
        if kind is str:
            return _texts()
        whole = [option for option in self._by_kind(name) if type(option()) is int]
        return whole or [lambda: self.size(name)]

    def _of_class(self, kind: type) -> list[Alternative] | None:
        if issubclass(kind, nn.Module):
            return self._modules(kind.__name__)
        if issubclass(kind, torch.Tensor):
            return [lambda: torch.zeros(self.style.vocab, self.size("embedding"))]
        if is_dataclass(kind) or callable(kind):
            return [lambda: self._made(kind)]
        return None

    def _made(self, kind: type) -> Any:
        if self._depth > 2:
            raise TypeError(f"{kind.__name__} is nested too deeply")
        self._depth += 1
        try:
            if is_dataclass(kind):
                given = {f.name for f in fields(kind)} - set(inspect.signature(kind).parameters)
                return kind(**self.arguments(kind, list(given)))
            return kind(**self.arguments(kind))
        finally:
            self._depth -= 1

    def _by_kind(self, name: str) -> list[Alternative]:
        style, plain, kind = self.style, plain_values(self.style), argument_kind(name)
        if kind in plain:
            return [lambda value=value: value for value in plain[kind]]  # type: ignore[misc]
        if kind == "text":
            return [*self._choices(), *_texts(), lambda: self.size(name)]
        if kind == "sizes":
            return self._lists(name)
        if kind == "config":
            return [*self._own_configs(), lambda: GuessedConfig(self.value, name)]
        if kind in ("block", "norm", "activation", "module"):
            return [*self._special(name, kind), lambda: self.size(name)]
        if kind == "weights":
            return [lambda: torch.zeros(style.vocab, self.size("embedding")), lambda: self.size(name)]
        return [lambda: self.size(name), *self._lists(name), lambda: 4, lambda: GuessedConfig(self.value, name)]

    def _special(self, name: str, kind: ArgumentKind) -> list[Alternative]:
        values: dict[str, list[Any]] = {
            "norm": [nn.BatchNorm2d, "batch", nn.LayerNorm, nn.BatchNorm1d, True],
            "activation": [nn.ReLU, "relu", nn.ReLU(), nn.functional.relu],
        }
        if kind in values:
            return [lambda value=value: value for value in values[kind]]  # type: ignore[misc]
        return self._classes(name) if kind == "block" else self._modules(name)

    def _lists(self, name: str) -> list[Alternative]:
        sizes = [self.size(f"{name}[{i}]") for i in range(4)]
        first, second = (sizes[:3], sizes) if self.style.name == "other" else (sizes, sizes[:3])
        return [
            lambda: first,
            lambda: second,
            lambda: tuple(sizes[:2]),
            lambda: [2, 2, 2, 2],
            lambda: [*sizes, 64],
            lambda: self.size(name),
        ]

    def _choices(self) -> list[Alternative]:
        """Keys of the file's tables: `cfgs["vgg11"]` is how a name becomes an architecture."""
        tables = [value for value in list(self.names.values.values()) if type(value) is dict and len(value) < 100]
        keys = [key for table in tables for key in table if isinstance(key, str)]
        return [lambda key=key: key for key in keys[:6]]  # type: ignore[misc]

    def _own_modules(self) -> list[type[nn.Module]]:
        found = (value for value in list(self.names.values.values()) if isinstance(value, type))
        return [kind for kind in found if issubclass(kind, nn.Module) and not kind.__module__.startswith("torch.")]

    def _own_configs(self) -> list[Alternative]:
        """The file's own configuration, where it has one class for it that is made without arguments."""
        own = self.names.values.get("__name__")  # an imported one may be a stand-in
        classes = [kind for kind in list(self.names.values.values()) if isinstance(kind, type)]
        found = [
            kind
            for kind in classes
            if kind.__module__ == own and argument_kind(kind.__name__) == "config" and not issubclass(kind, nn.Module)
        ]
        with suppress(TypeError, ValueError):
            return [kind for kind in found if len(found) == 1 and not required(kind)]
        return []

    def _classes(self, name: str) -> list[Alternative]:
        """Module classes of the file for a block that is given as a class, best by name first."""
        own = sorted(self._own_modules(), key=lambda kind: not _alike(kind.__name__, name))
        return [lambda kind=kind: kind for kind in own[:4]]  # type: ignore[misc]

    def _modules(self, name: str) -> list[Alternative]:
        """Instances of the file's module classes whose name fits; else something that changes nothing."""
        alike = [kind for kind in self._own_modules() if _alike(kind.__name__, name)]
        made: list[Alternative] = [lambda kind=kind: self._made(kind) for kind in alike[:3]]  # type: ignore[misc]
        return [*made, nn.Identity, lambda: nn.Linear(self.size(name), self.size(name))]


def _texts() -> list[Alternative]:
    return [lambda text=text: text for text in ("", "relu", "bilinear", "mean", "same", "batch", "base")]  # type: ignore[misc]


def _alike(kind: str, name: str) -> bool:
    one, other = kind.lower(), name.lower().replace("_", "")
    return other in one or one in other


def _cycle(sizes: tuple[int, ...]) -> Iterator[int]:
    while True:
        yield from sizes
