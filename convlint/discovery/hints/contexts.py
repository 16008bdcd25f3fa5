"""Where an expression is on one way through the code, and what its names are there."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from convlint.discovery.hints.scopes import Binding, SyntaxPlace, SyntaxScope, live
from convlint.discovery.hints.values import OPTIONS
from convlint.discovery.hints.view import View
from convlint.discovery.nodes import nodes_of
from convlint.discovery.project import Symbol

ViewOf = Callable[[str], View | None]
_ROOM = 25  # names and calls that a value is followed through


@dataclass(frozen=True, slots=True, eq=False)
class Entered:
    """A call of a function of the project, and what it gives to the parameters."""

    call: ast.Call
    context: Context  # of the call
    arguments: Mapping[str, ast.expr]


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    view: View
    spot: SyntaxPlace
    entered: Entered | None = None  # how the function around is called, where that is known
    room: int = _ROOM

    def at(self, spot: SyntaxPlace) -> Context:
        """Another place of the same file."""
        entered = self.entered if spot.scope is self.spot.scope else None
        return Context(self.view, spot, entered, self.room - 1)

    def spots(self) -> Iterator[SyntaxPlace]:
        """This place, and those of the calls that lead here."""
        context: Context | None = self
        while context is not None:
            yield context.spot
            context = context.entered.context if context.entered else None


@dataclass(frozen=True, slots=True, eq=False)
class PossibleValue:
    """Something that a name may be."""

    node: ast.expr
    context: Context
    index: tuple[int, ...] = ()  # of an unpacked value: which part
    is_item: bool = False  # not the value itself, but what a loop takes from it


def values_of(name: str, context: Context) -> list[PossibleValue] | None:
    """All that a name may be at a place; None where one of them is not known."""
    bindings = live(name, context.spot)
    if not bindings or context.room <= 0 or not is_settled(name, bindings, context.spot):
        return None
    found: list[PossibleValue] = []
    for binding in bindings:
        value = _argument(name, context) if binding.kind == "parameter" else _value(binding, context)
        if value is None:
            return None
        found.append(value)
    return found


def is_settled(name: str, bindings: Sequence[Binding], spot: SyntaxPlace) -> bool:
    """Whether a variable of a scope around has one value only: which one a function meets is not known."""
    home = bindings[0].spot.scope
    return home is spot.scope or len(home.bindings[name]) == 1


def _value(binding: Binding, context: Context) -> PossibleValue | None:
    if binding.value is None or binding.kind not in ("assign", "unpack", "loop"):
        return None
    return PossibleValue(binding.value, context.at(binding.spot), binding.index, binding.kind == "loop")


def _argument(name: str, context: Context) -> PossibleValue | None:
    """What the call that leads here gives to a parameter, or its default."""
    entered, node = context.entered, context.spot.scope.node
    if entered is None or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    if name in entered.arguments:
        return PossibleValue(entered.arguments[name], replace(entered.context, room=context.room - 1))
    default = defaults(node).get(name)
    return (
        PossibleValue(default, replace(entered.context, room=context.room - 1))
        if isinstance(default, ast.Constant)
        else None
    )


def defaults(node: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, ast.expr]:
    arguments = node.args
    positional = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    found = dict(zip(positional[::-1], arguments.defaults[::-1], strict=False))
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return found | {argument.arg: default for argument, default in pairs if default is not None}


def uses_parameters(nodes: Sequence[ast.expr], context: Context) -> bool:
    """Whether expressions have parameters of the function around, other than the options of its script."""
    function = context.spot.scope.node
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    names = {one.id for one in nodes_of(nodes) if isinstance(one, ast.Name)}
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return not names.isdisjoint({argument.arg for argument in every} - OPTIONS)


def enter(call: ast.Call, context: Context, view_of: ViewOf) -> Context | None:
    """The beginning of the function that a call enters; None where it is none of the project, or its way is barred."""
    found = _function(call, context, view_of)
    if found is None or context.room <= 0:
        return None
    view, scope = found
    arguments = _given(call, scope)
    if arguments is None or any(spot.scope is scope for spot in context.spots()):
        return None
    entered = Entered(call, context, arguments)
    return Context(view, SyntaxPlace(scope, (scope.node.lineno, 0)), entered, context.room - 1)  # type: ignore[union-attr]


def _function(call: ast.Call, context: Context, view_of: ViewOf) -> tuple[View, SyntaxScope] | None:
    if isinstance(call.func, ast.Name):
        scope: SyntaxScope | None = context.spot.scope
        while scope is not None and scope.parent is not None:  # those inside of functions
            if call.func.id in scope.functions:
                return context.view, scope.functions[call.func.id]
            scope = scope.parent
    meaning = context.view.meaning_of(call.func, context.spot)
    view = view_of(meaning.path) if isinstance(meaning, Symbol) else None
    found = view.scopes[0].functions.get(meaning.name) if view and isinstance(meaning, Symbol) else None
    return (view, found) if view and found else None


def _given(call: ast.Call, scope: SyntaxScope) -> dict[str, ast.expr] | None:
    """The arguments by the names of the parameters; None where a star hides what they are."""
    node = scope.node
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    if len(call.args) > len(names) or any(isinstance(one, ast.Starred) for one in call.args):
        return None
    if any(keyword.arg is None for keyword in call.keywords):
        return None
    given = dict(zip(names, call.args, strict=False))
    return given | {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
