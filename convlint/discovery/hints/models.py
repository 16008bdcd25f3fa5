"""Which model of the project an expression of a file is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from convlint.discovery.hints.scopes import Binding, SyntaxPlace, SyntaxScope, live, reaching_attribute
from convlint.discovery.hints.view import View
from convlint.discovery.project import Meaning, Symbol
from convlint.discovery.references import dotted
from convlint.discovery.survey import Census

# Methods that return the very model, and calls that wrap it.
SAME = frozenset(
    {"to", "cuda", "cpu", "eval", "train", "float", "double", "half", "bfloat16", "requires_grad_", "to_device", "type"}
)
WRAPPERS = frozenset(
    {
        "DataParallel",
        "DistributedDataParallel",
        "DDP",
        "compile",
        "script",
        "convert_sync_batchnorm",
        "BalancedDataParallel",
    }
)
_DEEPEST = 12


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A model as the code has it in hand."""

    symbol: Symbol  # what was called or named
    built: Symbol | None  # the class that comes out, where it is only one
    site: ast.Call | None  # the construction
    is_sure: bool = True  # False where it may as well be another one

    def unsure(self) -> Made:
        return Made(self.symbol, self.built, self.site, False)


@dataclass(eq=False)
class ProjectModels:
    census: Census
    view: View

    def of(self, node: ast.expr, spot: SyntaxPlace, depth: int = 0) -> list[Made]:
        """The models that an expression may be; none where that is not known."""
        if depth > _DEEPEST:
            return []
        match node:
            case ast.Call():
                return self._call(node, spot, depth)
            case ast.Name(id=name):
                return self._name(name, spot, depth)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == spot.scope.self_name:
                return self._bound(reaching_attribute(attribute, spot), depth)
            case ast.Attribute(attr="module", value=value):
                return self.of(value, spot, depth + 1)
            case ast.Attribute():
                return self._instance(self.view.meaning_of(node, spot))
            case ast.IfExp(body=body, orelse=orelse):
                return _merge([self.of(body, spot, depth + 1), self.of(orelse, spot, depth + 1)])
            case ast.NamedExpr(value=value):
                return self.of(value, spot, depth + 1)
            case _:
                return []

    def construction(self, node: ast.Call, spot: SyntaxPlace) -> Made | None:
        """The model that a call constructs."""
        meaning = self.view.meaning_of(node.func, spot)
        if not isinstance(meaning, Symbol):
            return None
        if meaning in self.census.classes:
            return Made(meaning, meaning, node)
        if self.census.class_graph.project.function_of(meaning) is None:
            return None
        built = self.census.class_graph.built(meaning)
        if not built.classes and meaning not in self.census.factories:
            return None
        return Made(meaning, next(iter(built.classes)) if len(built.classes) == 1 else None, node)

    def _call(self, node: ast.Call, spot: SyntaxPlace, depth: int) -> list[Made]:
        made = self.construction(node, spot)
        if made is not None:
            return [made]
        last = node.func.attr if isinstance(node.func, ast.Attribute) else (dotted(node.func) or "")
        if last in WRAPPERS and node.args:
            return self.of(node.args[0], spot, depth + 1)
        if last in SAME and isinstance(node.func, ast.Attribute):
            return self.of(node.func.value, spot, depth + 1)
        return []

    def _name(self, name: str, spot: SyntaxPlace, depth: int) -> list[Made]:
        if name == spot.scope.self_name:
            return self._self(spot.scope)
        bindings = live(name, spot)
        if bindings is None or any(binding.kind == "import" for binding in bindings):
            return self._instance(self.view.meaning(name, spot))
        if any(binding.kind == "parameter" for binding in bindings):
            return _merge(list(self._passed(name, bindings[0].spot.scope, depth)))
        found = self._bound(bindings, depth)
        rows = {binding.spot.position[0] for binding in bindings if binding.spot.scope.parent is None}
        instances = self._instance(self.view.meaning(name, spot))
        return [*found, *(made for made in instances if self._row(made.symbol) in rows)]

    def _bound(self, bindings: list[Binding], depth: int) -> list[Made]:
        known = [
            self.of(binding.value, binding.spot, depth + 1) if binding.value and binding.kind == "assign" else []
            for binding in bindings
        ]
        return _merge(known)

    def _instance(self, meaning: Meaning) -> list[Made]:
        if isinstance(meaning, Symbol) and meaning in self.census.instances:
            classes = self.census.class_graph.built(meaning).classes
            return [Made(meaning, next(iter(classes)) if len(classes) == 1 else None, None)]
        return []

    def _row(self, symbol: Symbol) -> int | None:
        value = self.census.class_graph.project.value_of(symbol)
        return value.row if value and symbol.path == self.view.path else None

    def _self(self, scope: SyntaxScope) -> list[Made]:
        """`self(x)` in a class that is a model."""
        node = scope.owner.node if scope.owner else None
        symbol = Symbol(self.view.path, node.name) if isinstance(node, ast.ClassDef) else None
        return [Made(symbol, symbol, None)] if symbol in self.census.classes and symbol else []

    def _passed(self, name: str, scope: SyntaxScope, depth: int) -> Iterator[list[Made]]:
        """What the calls of a function of the same file give for a parameter."""
        if not isinstance(scope.node, ast.FunctionDef) or scope.owner is not None:
            return
        for value, spot in self.view.given(scope.node, name):
            yield self.of(value, spot, depth + 1)


def _merge(alternatives: list[list[Made]]) -> list[Made]:
    """All that it may be. Of several none is sure, nor is one where an alternative is not known."""
    symbols = {made.built or made.symbol for found in alternatives for made in found}
    found = [made for alternative in alternatives for made in alternative]
    is_sure = len(symbols) == 1 and all(alternatives)
    return found if is_sure else [made.unsure() for made in found]
