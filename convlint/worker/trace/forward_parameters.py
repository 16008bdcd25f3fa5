"""What forward takes: its required parameters, and what it reads out of those that are not tensors themselves."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Literal

import torch
from torch import nn

from convlint.worker.user_code.parameters import required

Key = str | int
Kind = Literal["dict", "list", "object"]


@dataclass(frozen=True)
class Parts:
    """The keys, positions or attributes under which forward reads one parameter."""

    kind: Kind
    keys: tuple[Key, ...]

    def named(self, parameter: str, key: Key) -> str:
        """The part as the user's code writes it: `batch['image']`."""
        return f"{parameter}.{key}" if self.kind == "object" else f"{parameter}[{key!r}]"

    def together(self, values: dict[Key, Any]) -> Any:
        """The value of the parameter from those of its parts."""
        if self.kind == "dict":
            return values
        if self.kind == "list":
            return [values[key] for key in self.keys]
        return SimpleNamespace(**{str(key): value for key, value in values.items()})


def parameters_of(model: nn.Module) -> list[inspect.Parameter]:
    """What forward must be given: optional parameters are left out, `kwargs['labels']` is a keyword that it reads.

    A forward that only passes `*inputs` on is given one.
    """
    try:
        every = inspect.signature(model.forward).parameters.values()
        found = required(model.forward)
    except (TypeError, ValueError):
        return []
    kinds = {parameter.kind: parameter for parameter in every}
    if not found and (rest := kinds.get(inspect.Parameter.VAR_POSITIONAL)) is not None:
        found = [rest]
    if (rest := kinds.get(inspect.Parameter.VAR_KEYWORD)) is not None:
        parts = parts_of(model).get(rest.name)
        keys = [str(key) for key in parts.keys] if parts is not None and parts.kind == "dict" else []
        taken = {parameter.name for parameter in every}
        found += [inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY) for key in keys if key not in taken]
    return found


def parts_of(model: nn.Module) -> dict[str, Parts]:
    """The parameters that forward reads by key, by position or by attribute, and never as a tensor."""
    function = getattr(model.forward, "__func__", model.forward)
    try:
        names = inspect.signature(model.forward).parameters
        return {name: parts for name, parts in _parts(function) if name in names}
    except (TypeError, ValueError):  # a forward that is not a plain function
        return {}


@lru_cache(maxsize=256)
def _parts(function: Any) -> tuple[tuple[str, Parts], ...]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, SyntaxError, ValueError, IndexError):
        return ()
    if not isinstance(tree, ast.FunctionDef):
        return ()
    arguments = [*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs, tree.args.kwarg]
    names = [argument.arg for argument in arguments if argument is not None]
    found = [(name, _parts_read(tree, name)) for name in names]
    return tuple((name, parts) for name, parts in found if parts is not None)


def _parts_read(tree: ast.FunctionDef, name: str) -> Parts | None:
    """How a parameter is read until it is given another value; None where it may be a tensor."""
    until = min((n.lineno for n in ast.walk(tree) if isinstance(n, ast.Name) and _binds(n, name)), default=1 << 30)
    reads = [_read(use) for use in _uses(tree, name, until)]
    strings = _keys(reads, "dict")
    if strings:  # no tensor is read by strings
        return Parts("dict", strings)
    attributes = _keys(reads, "object")
    if attributes and not any(hasattr(torch.Tensor, str(key)) for key in attributes):
        return Parts("object", attributes)
    if reads and all(read is not None and read.kind == "list" for read in reads):
        return Parts("list", tuple(range(max(read.least for read in reads if read is not None))))
    return None


@dataclass(frozen=True)
class _Read:
    """One mention of a parameter: the keys that it is read by, and how many parts there are at least."""

    kind: Kind
    keys: tuple[Key, ...]
    least: int = 0


def _keys(reads: Iterable[_Read | None], kind: Kind) -> tuple[Key, ...]:
    """The keys of one kind, each once."""
    return tuple(dict.fromkeys(key for read in reads if read is not None and read.kind == kind for key in read.keys))


def _binds(node: ast.Name, name: str) -> bool:
    return node.id == name and isinstance(node.ctx, ast.Store)


def _is_read(node: ast.Name, name: str) -> bool:
    return node.id == name and isinstance(node.ctx, ast.Load)


def _uses(tree: ast.FunctionDef, name: str, until: int) -> Iterator[ast.AST]:
    """What stands around each mention of a name, up to the line that gives the name another value."""
    for parent in ast.walk(tree):
        for child in ast.iter_child_nodes(parent):
            if isinstance(child, ast.Name) and _is_read(child, name) and child.lineno <= until:
                yield parent


def _read(use: ast.AST) -> _Read | None:
    """The keys of one mention: `x["image"]`, `x[0]`, `a, b = x`, `x.image`."""
    match use:
        case ast.Subscript(value=ast.Name(), slice=ast.Constant(value=str(key))):
            return _Read("dict", (key,))
        case ast.Subscript(value=ast.Name(), slice=ast.Constant(value=int(key))) if 0 <= key < 8:
            return _Read("list", (key,), key + 1)
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Name()) if not any(
            isinstance(target, ast.Starred) for target in targets
        ):
            return _Read("list", tuple(range(len(targets))), len(targets))
        case ast.Attribute(value=ast.Name(), attr=key, ctx=ast.Load()):
            return _Read("object", (key,))
    return None
