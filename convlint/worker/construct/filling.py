"""Plausible arguments for a constructor that nobody calls: several styles, and other values where one is refused."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import torch
from torch import nn

from convlint.worker.construct.names import Kind, kind_of
from convlint.worker.construct.signatures import required

MAX_ATTEMPTS = 24


@dataclass(frozen=True)
class Style:
    """One way to fill: sizes of arguments by the order in which they are asked for."""

    name: str
    sizes: tuple[int, ...]  # of inputs, outputs, hidden layers: taken one after the other
    classes: int
    vocab: int
    heads: int
    layers: int
    kernel: int
    scale: int
    image: int
    patch: int
    length: int
    count: int


# Two with distinct sizes, so that swapped arguments show, and one where all hidden sizes agree, since many blocks
# are written for that.
STYLES = (
    Style("distinct", (64, 128, 192, 256, 320, 384), 10, 1000, 4, 2, 3, 2, 64, 8, 32, 4),
    Style("other", (96, 32, 160, 224, 288, 352), 7, 900, 8, 3, 5, 4, 128, 16, 48, 2),
    Style("uniform", (64,), 10, 1000, 4, 2, 3, 2, 64, 8, 32, 4),
)

Alternative = Callable[[], Any]


@dataclass(frozen=True)
class Names:
    """What the file itself tells of values: its own definitions, and the texts that it compares names with."""

    values: Mapping[str, Any]
    texts: Mapping[str, tuple[str, ...]]


@dataclass
class Filler:
    """Guesses values for one construction. `choices` says which alternative an argument has come to."""

    style: Style
    names: Names
    choices: dict[str, int] = field(default_factory=dict)
    offered: dict[str, int] = field(default_factory=dict)  # how many alternatives each argument has
    _sizes: Iterator[int] = field(init=False)
    _known: dict[str, int] = field(default_factory=dict)
    _depth: int = 0

    def __post_init__(self) -> None:
        self._sizes = _cycle(self.style.sizes)

    def value(self, name: str, annotation: Any = None) -> Any:
        """The value of an argument in this attempt."""
        options = self._alternatives(name, annotation)
        self.offered[name] = len(options)
        return options[min(self.choices.get(name, 0), len(options) - 1)]()

    def arguments(self, function: Callable[..., Any], given: Sequence[str] = ()) -> dict[str, Any]:
        """Values for the required parameters that are not given. Raises TypeError where there is no signature."""
        try:
            hints = typing.get_type_hints(
                vars(function).get("__init__", function) if isinstance(function, type) else function
            )
        except Exception:
            hints = {}
        return {
            p.name: self.value(p.name, hints.get(p.name, p.annotation))
            for p in required(function)
            if p.name not in given
        }

    def size(self, name: str) -> int:
        """The same size for the same name, and another one for another."""
        if name not in self._known:
            self._known[name] = next(self._sizes)
        return self._known[name]

    def _alternatives(self, name: str, annotation: Any) -> list[Alternative]:
        texts = self.names.texts.get(name, ())
        if texts and annotation in (inspect.Parameter.empty, None, str):
            return [*(lambda text=text: text for text in texts), *self._by_kind(name, kind_of(name))]
        by_type = self._by_annotation(name, annotation)
        return by_type if by_type is not None else self._by_kind(name, kind_of(name))

    def _by_annotation(self, name: str, annotation: Any) -> list[Alternative] | None:
        if annotation is inspect.Parameter.empty:
            return None
        origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
        if origin in (typing.Union, types.UnionType):
            return self._by_annotation(name, next((a for a in inner if a is not type(None)), None))
        if origin is typing.Literal:
            return [lambda value=value: value for value in inner]  # type: ignore[misc]
        if annotation is bool:
            return [lambda: False, lambda: True]
        if annotation is float:
            return [lambda: 0.1, lambda: 1.0]
        if annotation is str:
            return _texts()
        if annotation is int:
            return [option for option in self._by_kind(name, kind_of(name)) if type(option()) is int] or [
                lambda: self.size(name)
            ]
        if origin in (list, tuple, typing.Sequence) or annotation in (list, tuple):
            return self._lists(name)
        if isinstance(annotation, type) and annotation.__module__ != "builtins":
            return self._of_class(annotation)
        return None

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

    def _by_kind(self, name: str, kind: Kind) -> list[Alternative]:
        style, plain = self.style, _plain_values(self.style)
        if kind in plain:
            return [lambda value=value: value for value in plain[kind]]  # type: ignore[misc]
        if kind == "text":
            return [*self._choices(), *_texts(), lambda: self.size(name)]
        if kind == "sizes":
            return self._lists(name)
        if kind == "config":
            return [lambda: GuessedConfig(self, name)]
        if kind in ("block", "norm", "activation", "module"):
            return [*self._special(name, kind), lambda: self.size(name)]
        if kind == "weights":
            return [lambda: torch.zeros(style.vocab, self.size("embedding")), lambda: self.size(name)]
        return [lambda: self.size(name), *self._lists(name), lambda: 4, lambda: GuessedConfig(self, name)]

    def _special(self, name: str, kind: Kind) -> list[Alternative]:
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
        return [lambda: first, lambda: second, lambda: tuple(sizes[:2]), lambda: [2, 2, 2, 2], lambda: [*sizes, 64]]

    def _choices(self) -> list[Alternative]:
        """Keys of the file's tables: `cfgs["vgg11"]` is how a name becomes an architecture."""
        tables = [value for value in list(self.names.values.values()) if type(value) is dict and len(value) < 100]
        keys = [key for table in tables for key in table if isinstance(key, str)]
        return [lambda key=key: key for key in keys[:6]]  # type: ignore[misc]

    def _own_modules(self) -> list[type[nn.Module]]:
        found = (value for value in list(self.names.values.values()) if isinstance(value, type))
        return [kind for kind in found if issubclass(kind, nn.Module) and not kind.__module__.startswith("torch.")]

    def _classes(self, name: str) -> list[Alternative]:
        """Module classes of the file for a block that is given as a class, best by name first."""
        own = sorted(self._own_modules(), key=lambda kind: not _alike(kind.__name__, name))
        return [lambda kind=kind: kind for kind in own[:4]]  # type: ignore[misc]

    def _modules(self, name: str) -> list[Alternative]:
        """Instances of the file's module classes whose name fits; else something that changes nothing."""
        alike = [kind for kind in self._own_modules() if _alike(kind.__name__, name)]
        made: list[Alternative] = [lambda kind=kind: self._made(kind) for kind in alike[:3]]  # type: ignore[misc]
        return [*made, nn.Identity]


def _plain_values(style: Style) -> dict[Kind, list[Any]]:
    """The values to try for kinds that need no more than the style."""
    return {
        "classes": [style.classes],
        "vocab": [style.vocab],
        "heads": [style.heads, 1, (style.heads,) * 4, (style.heads,) * 3],
        "layers": [style.layers, 4, (2, 2, 2, 2), (2, 2, 2), 18, 50, 16, 28, 40, 121],
        "head_size": [64 // style.heads],
        "kernels": [[3, 4, 5], [3, 3]],
        "kernel": [style.kernel, (style.kernel,) * 2, 3],
        "one": [1, (1, 1), 2],
        "scale": [style.scale, 1, 4],
        "rate": [0.1, 1],
        "image": [style.image, (style.image, style.image), 224, 256],
        "patch": [style.patch, (style.patch,) * 2, 4, 16],
        "length": [style.length, 64],
        "flag": [True, False],
        "off": [False],
        "device": ["cpu", torch.device("cpu")],
        "dtype": [torch.float32],
        "path": ["", None],
        "count": [style.count, 8, [2, 2, 2, 2]],
        "counts": [[2, 2, 2, 2], 2, [2, 2, 2], [2, 2, 2, 2, 2]],
        "pair": [(3, style.image, style.image), (style.image,), (4,)],
        "words": [{f"w{i}": i for i in range(100)}, 100],
        "function": [nn.functional.relu, nn.Identity()],
    }


def _texts() -> list[Alternative]:
    return [lambda text=text: text for text in ("", "relu", "bilinear", "mean", "same", "batch", "base")]  # type: ignore[misc]


def _alike(kind: str, name: str) -> bool:
    one, other = kind.lower(), name.lower().replace("_", "")
    return other in one or one in other


def _cycle(sizes: tuple[int, ...]) -> Iterator[int]:
    while True:
        yield from sizes


class GuessedConfig:
    """A configuration object that has whatever is asked of it, guessed by name."""

    def __init__(self, filler: Filler, name: str) -> None:
        self.__dict__.update(_filler=filler, _name=name, _values={})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        values = self.__dict__["_values"]
        if name not in values:
            values[name] = self.__dict__["_filler"].value(name)
        return values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__["_values"][name] = value

    __setitem__ = __setattr__

    def __getitem__(self, name: Any) -> Any:
        return getattr(self, str(name))

    def __contains__(self, _: object) -> bool:
        return True

    def get(self, name: str, default: Any = None) -> Any:
        return getattr(self, name) if default is None else default

    def keys(self) -> list[str]:
        return []

    def __repr__(self) -> str:
        values = self.__dict__["_values"]
        return f"{self.__dict__['_name']}({', '.join(f'{k}={v!r}' for k, v in values.items())})"
