"""The class of a model and its forward, as they are in their files."""

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


def docstring_of(node: ast.Module | ast.ClassDef | Function) -> tuple[int, str] | None:
    """The line it begins on, and its text as it is written."""
    match node.body[:1]:
        case [ast.Expr(value=ast.Constant(value=str(text)) as constant)]:
            return constant.lineno, text
        case _:
            return None


def first_row(node: ast.ClassDef | Function, lines: list[str]) -> int:
    """The line that a definition begins on, with its decorators and the comments right above."""
    start = min([node.lineno, *(item.lineno for item in node.decorator_list)])
    while start > 1 and start - 2 < len(lines) and lines[start - 2].lstrip().startswith("#"):
        start -= 1
    return start


def _method(node: ast.ClassDef, name: str) -> Function | None:
    found = [inner for inner in node.body if isinstance(inner, Function) and inner.name == name]
    return found[-1] if found else None
