"""The very construction that an expression of the code is a model of, followed through variables and functions."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field

from convlint.discovery.hints.contexts import Context, PossibleValue, ViewOf, enter, uses_parameters, values_of
from convlint.discovery.hints.exact import exact, is_plain
from convlint.discovery.hints.models import SAME, WRAPPERS
from convlint.discovery.hints.scopes import SyntaxScope, reaching_attribute
from convlint.discovery.nodes import nodes_of
from convlint.discovery.project import Symbol
from convlint.discovery.references import dotted
from convlint.discovery.sites import ConstructorCall
from convlint.discovery.survey import Census
from convlint.jobs import Expression

# Methods by which a module gets other layers, or other inputs than it is called with.
_CHANGING = frozenset(
    {
        *("append", "extend", "insert", "pop", "add_module", "register_module", "set_submodule", "__setattr__"),
        *("register_forward_pre_hook", "register_forward_hook"),
    }
)
_SETTERS = frozenset({"setattr", "delattr"})


@dataclass(frozen=True, slots=True, eq=False)
class Making:
    """A call that makes a model: a constructor, or a function around one."""

    symbol: Symbol
    node: ast.Call
    context: Context

    @property
    def key(self) -> tuple[object, ...]:
        """The same for the same call on the same way."""
        calls = [self.context.entered.call] if self.context.entered else []
        return (self.symbol, id(self.node), *map(id, calls))


Chain = tuple[Making, ...]
"""The makings of one model, the outermost call first."""


@dataclass(eq=False)
class Makings:
    census: Census
    view_of: ViewOf
    _changed: dict[tuple[SyntaxScope, str], bool] = field(default_factory=dict)

    def of(self, node: ast.expr, context: Context) -> Chain:
        """The makings of a model; none where it is not exactly known which one it is."""
        if context.room <= 0:
            return ()
        match node:
            case ast.Call():
                return self._call(node, context)
            case ast.Name(id=name):
                return self._name(name, context)
            case ast.NamedExpr(value=value) | ast.Attribute(attr="module", value=value):
                return self.of(value, context)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == context.spot.scope.self_name:
                return self._attribute(name, attribute, context)
            case _:
                return ()

    def _attribute(self, owner: str, name: str, context: Context) -> Chain:
        """Of `self.net`, where one assignment in the class is all that becomes of it."""
        bound = reaching_attribute(name, context.spot)
        scope = context.spot.scope.owner
        if len(bound) != 1 or bound[0].kind != "assign" or bound[0].value is None:
            return ()
        if scope is None or self._is_changed(f"{owner}.{name}", scope, context):
            return ()
        return self.of(bound[0].value, context.at(bound[0].spot))

    def _call(self, node: ast.Call, context: Context) -> Chain:
        meaning = context.view.meaning_of(node.func, context.spot)
        own = Making(meaning, node, context) if isinstance(meaning, Symbol) else None
        if own is not None and own.symbol in self.census.classes:
            return (own,)
        inside = enter(node, context, self.view_of)
        if inside is not None:
            inner = self._returned(inside)
            is_factory = own is not None and (inner or own.symbol in self.census.factories)
            return (own, *inner) if own is not None and is_factory else inner
        return self._of_wrapped(node, context)

    def _of_wrapped(self, node: ast.Call, context: Context) -> Chain:
        """Of the model in `nn.DataParallel(model)` and `model.to(device)`."""
        last = node.func.attr if isinstance(node.func, ast.Attribute) else (dotted(node.func) or "")
        if last in WRAPPERS and node.args:
            return self.of(node.args[0], context)
        if last in SAME and isinstance(node.func, ast.Attribute):
            return self.of(node.func.value, context)
        return ()

    def _returned(self, inside: Context) -> Chain:
        """What a function gives back, if that is the same at each of its ends."""
        returns = inside.spot.scope.returns
        return _one([self.of(node, inside.at(spot)) for node, spot in returns])

    def _name(self, name: str, context: Context) -> Chain:
        values = values_of(name, context)
        if values is None:
            return self._imported(name, context)
        if self._is_changed(name, context.spot.scope, context):
            return ()
        return _one([self._value(value) for value in values])

    def _value(self, value: PossibleValue) -> Chain:
        return () if value.index or value.is_item else self.of(value.node, value.context)

    def _imported(self, name: str, context: Context) -> Chain:
        """`from nets import model`."""
        meaning = context.view.meaning(name, context.spot)
        if not isinstance(meaning, Symbol) or meaning.path == context.view.path:
            return ()
        view = self.view_of(meaning.path)
        if view is None or meaning not in self.census.instances:
            return ()
        scope = view.scopes[0]
        bindings = scope.bindings.get(meaning.name, [])
        if len(bindings) != 1 or bindings[0].value is None:
            return ()
        there = Context(view, bindings[0].spot, room=context.room - 1)
        return () if self._is_changed(meaning.name, scope, there) else self.of(bindings[0].value, there)

    def _is_changed(self, name: str, scope: SyntaxScope, context: Context) -> bool:
        """Whether a scope puts other layers into a model, or hands it to a function of the project that does so."""
        key = (scope, name)
        if key not in self._changed:
            self._changed[key] = False  # ends a circle of functions
            own = _changes(name, scope)
            self._changed[key] = own or any(
                self._changes_it(call, name, context.at(spot)) for call, spot in scope.calls
            )
        return self._changed[key]

    def _changes_it(self, call: ast.Call, name: str, context: Context) -> bool:
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        inside = enter(call, context, self.view_of) if any(dotted(one) == name for one in given) else None
        if inside is None or inside.entered is None:
            return False
        taken = [inner for inner, node in inside.entered.arguments.items() if dotted(node) == name]
        return any(self._is_changed(inner, inside.spot.scope, inside) for inner in taken)


def site_of(making: Making, handed: Sequence[ConstructorCall]) -> Expression | None:
    """The construction as a site of its model: with what the callers of the function around give to its parameters."""
    node, context, is_written = making.node, making.context, True
    while uses_parameters([node], context) and context.entered is not None:
        call, outer = context.entered.call, context.entered.context
        place = (outer.view.path, call.lineno, call.col_offset)
        found = [one.node for one in handed if (one.path, one.node.lineno, one.node.col_offset) == place]
        if len(found) != 1:
            return None
        node, context, is_written = found[0], outer, False
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    if not all(is_plain(one, context) for one in given):
        known = exact(given, context)
        if known is None or known[1] is not context:
            return None
        values = known[0]
        keywords = zip(node.keywords, values[len(node.args) :], strict=True)
        again = [ast.keyword(one.arg, value) for one, value in keywords]
        node = ast.copy_location(ast.Call(node.func, values[: len(node.args)], again), node)
    return Expression(text=ast.unparse(node), path=context.view.path, row=node.lineno, is_written=is_written)


def _changes(name: str, scope: SyntaxScope) -> bool:
    """`model.fc = nn.Linear(...)`, `setattr(model, ...)`, `model.layers.append(...)`."""
    for node in nodes_of(scope.node.body):
        match node:
            case ast.Assign(targets=targets, value=value) if not isinstance(value, ast.Constant):
                found = [_root(target) for target in targets if not isinstance(target, ast.Name)]
            case ast.Call(func=ast.Name(id=function), args=[first, *_]) if function in _SETTERS:
                found = [_root(first), dotted(first)]
            case ast.Call(func=ast.Attribute(attr=method, value=value)) if method in _CHANGING:
                found = [_root(value), dotted(value)]
            case _:
                continue
        if name in found:
            return True
    return False


def _one(chains: list[Chain]) -> Chain:
    """The one that all of them are."""
    keys = {tuple(making.key for making in chain) for chain in chains}
    return chains[0] if len(keys) == 1 else ()


def _root(node: ast.expr) -> str | None:
    """`model` of `model.head[0].weight`; `self.model` of `self.model.head`."""
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute | ast.Subscript):
        inner = inner.value
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name) and inner.value.id == "self":
            return dotted(inner)
    return inner.id if isinstance(inner, ast.Name) and inner is not node else None
