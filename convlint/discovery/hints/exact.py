"""Expressions that mean the same wherever they are evaluated: with the values in place of names that have several."""

from __future__ import annotations

import ast
import builtins
from copy import deepcopy

from convlint.discovery.hints.contexts import Context, PossibleValue, defaults, is_settled, values_of
from convlint.discovery.hints.scopes import Binding, live
from convlint.discovery.hints.values import IN_PLACE, OPTIONS, is_made
from convlint.discovery.references import dotted

_COUNTED = ("range", "zip", "enumerate", "reversed", "sorted")


class _Inexact(Exception):
    """What a name is depends on more than the code around it."""


def exact(nodes: list[ast.expr], context: Context) -> tuple[list[ast.expr], Context] | None:
    """The expressions, and the one place where they can be evaluated; None where their value is not certain."""
    ends = [followed(node, context) for node in nodes]
    places = [place for _, place in ends if place is not None]
    first = places[0] if places else context
    if any(place.spot.scope is not first.spot.scope or place.view is not first.view for place in places):
        return None
    # Of several places in one scope the names have to mean the same, so only one that all share will do.
    if len({place.spot.position for place in places}) > 1:
        return None
    try:
        inlined = [_inlined(node, first) for node, _ in ends]
    except (_Inexact, RecursionError):
        return None
    return (inlined, first) if is_made(inlined, first.view, first.spot) else None


def followed(node: ast.expr, context: Context) -> tuple[ast.expr, Context | None]:
    """An argument that a function only passes on, as its caller has it; no place for a constant, which has many."""
    while isinstance(node, ast.Name):
        bindings = live(node.id, context.spot) or []
        if [binding.kind for binding in bindings] != ["parameter"] or context.entered is None:
            break
        values = values_of(node.id, context)
        if values is None:
            break
        node, context = values[0].node, values[0].context
    return node, None if isinstance(node, ast.Constant) else context


def is_plain(node: ast.expr, context: Context) -> bool:
    """Whether each name in an expression has one value only, so that it means the same wherever it is evaluated."""
    if context.room <= 0:
        return False
    names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
    return all(_has_one_value(name, context) for name in names)


def _has_one_value(name: str, context: Context) -> bool:
    """Whether a name is bound once, to an expression that is plain itself, or is an import or a definition."""
    bindings = live(name, context.spot) or []
    if all(binding.kind in ("import", "definition") for binding in bindings):
        return True
    if len(bindings) != 1 or len(bindings[0].spot.scope.bindings[name]) != 1 or bindings[0].kind == "loop":
        return False
    value = bindings[0].value
    return value is None or is_plain(value, context.at(bindings[0].spot))


def _inlined(node: ast.expr, context: Context) -> ast.expr:
    if context.room <= 0:
        raise _Inexact
    changed = _ExactNames(context).visit(deepcopy(node))
    assert isinstance(changed, ast.expr)
    return changed


class _ExactNames(ast.NodeTransformer):
    def __init__(self, context: Context) -> None:
        self.context = context
        self.own: frozenset[str] = frozenset()  # the names of a comprehension

    def visit_Lambda(self, _: ast.Lambda) -> ast.expr:
        raise _Inexact

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self._comprehension(node)

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp) -> ast.AST:
        before = self.own
        bound = (inner for part in node.generators for inner in ast.walk(part.target))
        self.own |= {inner.id for inner in bound if isinstance(inner, ast.Name)}
        changed = self.generic_visit(node)
        self.own = before
        return changed

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.own or isinstance(node.ctx, ast.Store):
            return node
        spot = self.context.spot
        bindings = live(node.id, spot)
        if bindings is None:
            if hasattr(builtins, node.id) or self.context.view.member.outline.stars:
                return node
            raise _Inexact
        if all(binding.kind in ("import", "definition") for binding in bindings):
            return node
        if len(bindings) != 1 or not is_settled(node.id, bindings, spot) or self._changes_in_place(node.id):
            raise _Inexact
        return self._bound(node, bindings[0])

    def _bound(self, node: ast.Name, binding: Binding) -> ast.expr:
        if binding.kind == "parameter":
            return self._parameter(node)
        home = binding.spot.scope
        in_loop = any(arm == "loop" for _, arm in binding.spot.block)
        is_top = isinstance(home.node, ast.Module)
        is_only = len(home.bindings[node.id]) == 1 and not (is_top and in_loop)
        if is_only and binding.kind in ("assign", "unpack") and binding.value is not None:
            _inlined(binding.value, self.context.at(binding.spot))  # that it is exact
            return node
        values = values_of(node.id, self.context)
        if values is None:
            raise _Inexact
        return _part(values[0])

    def _parameter(self, node: ast.Name) -> ast.expr:
        values = values_of(node.id, self.context)
        if values is not None and isinstance(values[0].node, ast.Constant):
            return deepcopy(values[0].node)
        function = self.context.spot.scope.node
        if values is not None or not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            raise _Inexact
        calls = self.context.view.calls.get(function.name, ())
        if node.id in OPTIONS and len(calls) <= 1:
            return node  # what the parser of the file gives
        default = defaults(function).get(node.id)
        if calls or not isinstance(default, ast.Constant) or default.value is None:
            raise _Inexact
        return deepcopy(default)

    def _changes_in_place(self, name: str) -> bool:
        """`x.unsqueeze_(0)`."""
        calls = self.context.spot.scope.calls
        methods = (call.func for call, spot in calls if spot.position < self.context.spot.position)
        return any(
            isinstance(method, ast.Attribute) and method.attr in IN_PLACE and dotted(method.value) == name
            for method in methods
        )


def _part(value: PossibleValue) -> ast.expr:
    """The value itself, the first that a loop takes of it, or a part of either."""
    result = _inlined(value.node, value.context)
    if value.is_item:
        is_counted = isinstance(result, ast.Call) and dotted(result.func) in _COUNTED
        if not is_counted and not isinstance(result, ast.List | ast.Tuple):
            raise _Inexact
        result = _called("next", _called("iter", result))
    for number in value.index:
        result = ast.Subscript(value=result, slice=ast.Constant(number), ctx=ast.Load())
    return result


def _called(name: str, argument: ast.expr) -> ast.Call:
    return ast.Call(func=ast.Name(name, ast.Load()), args=[argument], keywords=[])
