"""From the syntax of a file to its scopes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

from convlint.discovery.hints.leaving import may_leave
from convlint.discovery.hints.scopes import Binding, Block, Function, Kind, Position, SyntaxPlace, SyntaxScope
from convlint.discovery.nodes import expects_failure, nodes_of
from convlint.discovery.outline import is_main
from convlint.discovery.references import dotted
from convlint.discovery.returning import decorators

# In these a name may be another one, or what is in them is not run.
_UNSURE = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.IfExp, ast.BoolOp)
# Exceptions that no shape of a tensor raises.
_NOT_OF_MODELS = frozenset({"KeyboardInterrupt", "SystemExit", "StopIteration", "ImportError", "ModuleNotFoundError"})
_MEANT_TO_FAIL = frozenset({"xfail", "expectedFailure", "skip"})


@dataclass(slots=True)
class _Builder:
    scopes: list[SyntaxScope] = field(default_factory=list)
    is_doubtful: bool = False  # of what stands where the builder is
    exits: frozenset[int] = frozenset()

    def scope(
        self, node: ast.Module | Function | ast.ClassDef, parent: SyntaxScope | None, owner: SyntaxScope | None
    ) -> SyntaxScope:
        scope = SyntaxScope(node, parent, owner)
        self.scopes.append(scope)
        if isinstance(node, Function):
            arguments = node.args
            own = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
            for argument in own:
                if argument:
                    self._bind(argument.arg, "parameter", None, SyntaxPlace(scope, (node.lineno, 0)), (node.lineno, 0))
        is_expected = isinstance(node, Function) and not _MEANT_TO_FAIL.isdisjoint(decorators(node))
        with self._doubting(is_expected, anew=True):
            self.body(node.body, scope, ())
        return scope

    @contextmanager
    def _doubting(self, is_doubtful: bool, *, anew: bool = False) -> Iterator[None]:
        """`again`: for the body of a function, which runs elsewhere."""
        before, exits = self.is_doubtful, self.exits
        self.is_doubtful = is_doubtful or (before and not anew)
        self.exits = frozenset() if anew else exits
        yield
        self.is_doubtful, self.exits = before, exits

    def body(self, statements: Iterable[ast.stmt], scope: SyntaxScope, block: Block) -> None:
        before = self.exits
        for statement in statements:
            self._statement(statement, scope, block)
            if may_leave(statement):
                self.exits |= {id(statement)}
        self.exits = before

    def _statement(self, node: ast.stmt, scope: SyntaxScope, block: Block) -> None:
        spot = SyntaxPlace(scope, (node.lineno, node.col_offset), block, self.is_doubtful, self.exits)
        end = (node.end_lineno or node.lineno, node.end_col_offset or 0)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._bind(node.name, "definition", None, spot, end)
                is_method = isinstance(scope.node, ast.ClassDef)
                inner = self.scope(node, scope.parent if is_method else scope, scope if is_method else scope.owner)
                scope.functions[node.name] = inner
            case ast.ClassDef():
                self._bind(node.name, "definition", None, spot, end)
                self.scope(node, scope, None)
            case ast.Import() | ast.ImportFrom():
                for alias in node.names:
                    self._bind(alias.asname or alias.name.partition(".")[0], "import", None, spot, end)
            case _:
                self._expressions(node, spot)
                self._bindings(node, spot, end)
                self._blocks(node, scope, block)

    def _expressions(self, node: ast.stmt, spot: SyntaxPlace) -> None:
        found = list(nodes_of(_values(node), expects_failure))
        inside = {id(one) for outer in found if isinstance(outer, _UNSURE) for one in nodes_of([outer])}
        for inner in found:
            if not isinstance(inner, ast.Call | ast.NamedExpr):
                continue
            is_doubtful = self.is_doubtful or id(inner) in inside
            here = replace(spot, position=(inner.lineno, inner.col_offset), is_doubtful=is_doubtful)
            if isinstance(inner, ast.Call):
                spot.scope.calls.append((inner, here))
            else:
                end = (inner.end_lineno or 0, inner.end_col_offset or 0)
                self._target(inner.target, "assign", inner.value, here, end)
        if isinstance(node, ast.Return) and node.value is not None:
            spot.scope.returns.append((node.value, spot))

    def _bindings(self, node: ast.stmt, spot: SyntaxPlace, end: Position) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._target(target, "assign", value, spot, end)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._target(target, "assign", value, spot, end)
            case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=value):
                before = ast.copy_location(ast.Name(name, ast.Load()), target)
                made = ast.copy_location(ast.BinOp(before, op, value), node)
                self._target(target, "assign", made, spot, end)
            case ast.AugAssign(target=target) | ast.Delete(targets=[target, *_]):
                self._target(target, "other", None, spot, end)
            case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
                inside = (value.end_lineno or node.lineno, value.end_col_offset or 0)
                self._target(target, "loop", value, spot, inside)
            case ast.With(items=items) | ast.AsyncWith(items=items):
                for item in items:
                    if item.optional_vars is not None:
                        self._target(item.optional_vars, "other", None, spot, spot.position)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                for name in names:
                    self._bind(name, "other", None, spot, end)
            case _:
                pass

    def _blocks(self, node: ast.stmt, scope: SyntaxScope, block: Block) -> None:
        match node:
            case ast.If() if is_main(node.test):
                self.body(node.body, scope, block)
            case ast.If():
                self.body(node.body, scope, (*block, (id(node), "if")))
                self.body(node.orelse, scope, (*block, (id(node), "else")))
            case ast.For() | ast.AsyncFor() | ast.While():
                self.body(node.body, scope, (*block, (id(node), "loop")))
                self.body(node.orelse, scope, block)
            case ast.With() | ast.AsyncWith():
                if not expects_failure(node):
                    with self._doubting(any(map(_suppresses, node.items))):
                        self.body(node.body, scope, block)
            case ast.Try() | ast.TryStar():
                with self._doubting(any(map(_catches, node.handlers))):
                    self.body(node.body, scope, block)
                for number, handler in enumerate(node.handlers):
                    if handler.name:
                        spot = SyntaxPlace(scope, (handler.lineno, 0), block)
                        self._bind(handler.name, "other", None, spot, spot.position)
                    self.body(handler.body, scope, (*block, (id(node), f"except{number}")))
                self.body([*node.orelse, *node.finalbody], scope, block)
            case ast.Match():
                for number, case in enumerate(node.cases):
                    self.body(case.body, scope, (*block, (id(node), f"case{number}")))
            case _:
                pass

    def _target(
        self,
        target: ast.expr,
        kind: Literal["assign", "loop", "other"],
        value: ast.expr | None,
        spot: SyntaxPlace,
        end: Position,
        index: tuple[int, ...] = (),
    ) -> None:
        match target:
            case ast.Name(id=name):
                bound = "unpack" if index and kind == "assign" else kind
                self._bind(name, bound, value, spot, end, index)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                parts = _parts(elements, value) if kind == "assign" else None
                for number, element in enumerate(elements):
                    if parts is not None:
                        self._target(element, kind, parts[number], spot, end)
                    else:
                        self._target(element, kind, value, spot, end, (*index, number))
            case ast.Starred(value=inner):
                self._target(inner, "other", None, spot, end)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == spot.scope.self_name:
                binding = Binding("assign" if kind == "assign" and not index else "other", value, spot, end)
                assert spot.scope.owner is not None
                spot.scope.owner.attributes.setdefault(attribute, []).append(binding)
            case ast.Subscript(value=ast.Name(id=name)):
                self._bind(name, "other", None, spot, end)  # an item of it changes
            case _:
                pass

    def _bind(
        self,
        name: str,
        kind: Kind,
        value: ast.expr | None,
        spot: SyntaxPlace,
        end: Position,
        index: tuple[int, ...] = (),
    ) -> None:
        spot.scope.bindings.setdefault(name, []).append(Binding(kind, value, spot, end, index))


def scopes_of(tree: ast.Module) -> list[SyntaxScope]:
    """Every scope of a file, the module's first."""
    builder = _Builder()
    builder.scope(tree, None, None)
    return builder.scopes


def _parts(targets: list[ast.expr], value: ast.expr | None) -> list[ast.expr] | None:
    """What each target of `a, b = x, y` gets; None where that does not show."""
    if not isinstance(value, ast.Tuple) or len(value.elts) != len(targets):
        return None
    is_starred = any(isinstance(one, ast.Starred) for one in (*targets, *value.elts))
    return None if is_starred else value.elts


def _catches(handler: ast.ExceptHandler) -> bool:
    """Whether a handler may be there for what a model raises."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any((dotted(kind) or "").rpartition(".")[2] not in _NOT_OF_MODELS for kind in kinds)


def _suppresses(item: ast.withitem) -> bool:
    call = item.context_expr
    return isinstance(call, ast.Call) and (dotted(call.func) or "").rpartition(".")[2] == "suppress"


def _values(node: ast.stmt) -> Iterator[ast.expr]:
    """The expressions of a statement itself, not those of the statements inside."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield child
        elif isinstance(child, ast.withitem):
            yield child.context_expr
