"""The class of a model and its forward, as they stand in their files."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from convlint.discovery.hints.scopes import Function
from convlint.discovery.hints.view import View
from convlint.discovery.project import Symbol
from convlint.discovery.survey import Census


@dataclass(frozen=True, slots=True, eq=False)
class Forward:
    view: View
    node: Function
    owner: ast.ClassDef

    @property
    def parameters(self) -> list[ast.arg]:
        """Without self, `*args` and `**kwargs`."""
        arguments = self.node.args
        return [*arguments.posonlyargs, *arguments.args][1:] + arguments.kwonlyargs

    @property
    def required(self) -> list[str]:
        arguments = self.node.args
        positional = [*arguments.posonlyargs, *arguments.args][1:]
        return [argument.arg for argument in positional[: max(len(positional) - len(arguments.defaults), 0)]]


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    view: View
    node: ast.ClassDef
    forward: Forward | None  # its own or an inherited one of the project

    @property
    def constructor(self) -> Function | None:
        return _method(self.node, "__init__")


def define(symbol: Symbol, census: Census, view_of: Callable[[str], View | None]) -> Definition | None:
    view = view_of(symbol.path)
    node = view.classes.get(symbol.name) if view else None
    if view is None or node is None:
        return None
    pending, met = [symbol], {symbol}
    while pending:
        one = pending.pop(0)
        owner_view = view_of(one.path)
        owner = owner_view.classes.get(one.name) if owner_view else None
        forward = _method(owner, "forward") if owner else None
        if owner_view and owner and forward:
            return Definition(view, node, Forward(owner_view, forward, owner))
        parents = census.classes[one].parents if one in census.classes else ()
        pending.extend(parent for parent in parents if parent not in met)
        met.update(parents)
    return Definition(view, node, None)


def _method(node: ast.ClassDef, name: str) -> Function | None:
    found = [inner for inner in node.body if isinstance(inner, Function) and inner.name == name]
    return found[-1] if found else None
