"""The top level of a file, sorted: what is executed at once, what when a name is asked for, and what never.

Imports, definitions and plain constants make a module; training, downloads and plots make a script. The latter run
only as far as a model needs a name that they bind.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from convlint.worker.user_code import purity

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_FIXED = (ast.Import, ast.ImportFrom, *_DEFINITIONS)


@dataclass(frozen=True, eq=False)
class Statement:
    node: ast.stmt
    binds: frozenset[str]  # names that it gives a value
    changes: frozenset[str]  # names whose values it changes
    loads: frozenset[str]  # names that it reads when it runs
    is_eager: bool  # executed at once
    is_run: bool = True  # False: never executed, known only so that its names are not taken for undefined

    @property
    def is_fixed(self) -> bool:
        """Whether it defines or imports, which no later assignment is waited for."""
        return isinstance(self.node, (*_FIXED, ast.Try, ast.If, ast.With)) and self.is_eager


def sort(body: Iterable[ast.stmt]) -> tuple[Statement, ...]:
    """The statements in the order of the file."""
    found = list(_flat(body, later=False))
    while True:
        late = {name for s in found if not s.is_eager for name in (*s.binds, *s.changes)}
        moved = [replace(s, is_eager=False) if _must_wait(s, late) else s for s in found]
        if all(old is new for old, new in zip(found, moved, strict=True)):
            return tuple(found)
        found = moved


def _must_wait(statement: Statement, late: set[str]) -> bool:
    if not statement.is_eager or statement.is_fixed:
        return False
    return not late.isdisjoint(statement.loads | statement.binds | statement.changes)


def _flat(body: Iterable[ast.stmt], *, later: bool) -> Iterator[Statement]:
    for node in body:
        match node:
            case ast.If(test=test) if is_main(test):
                yield from _flat(node.body, later=True)
                yield from _flat(node.orelse, later=later)
            case ast.If() | ast.Try() | ast.TryStar() | ast.With() if not later and purity.defines(node):
                yield from _split(node)
            case ast.If() | ast.Try() | ast.TryStar() | ast.With() | ast.For() if purity.is_quiet(node):
                yield statement(node, is_eager=not later)
            case ast.If() | ast.Try() | ast.TryStar() | ast.With() | ast.For() if purity.is_light(node):
                yield statement(node, is_eager=False)
            case ast.If() | ast.Try() | ast.TryStar() | ast.With():
                for inner in purity.bodies(node):
                    yield from _flat(inner, later=True)
                if isinstance(node, ast.With):
                    yield replace(statement(node, is_eager=False), is_run=False)
            case ast.For() | ast.AsyncFor() | ast.While():
                yield replace(statement(node, is_eager=False), is_run=False, changes=frozenset())
            case ast.Expr(value=ast.Constant()) | ast.Pass() | ast.Assert() | ast.Raise() | ast.Delete():
                pass
            case _:
                made = statement(node, is_eager=not later and purity.is_quiet(node))
                yield made if isinstance(node, _FIXED) or purity.is_light(node) else replace(made, is_run=False)


def _split(node: ast.If | ast.Try | ast.TryStar | ast.With) -> Iterator[Statement]:
    """A compound statement around definitions: with only what is quiet in it, and the rest for later."""
    if purity.is_quiet(node):
        yield statement(node, is_eager=True)
        return
    yield statement(purity.quietened(node), is_eager=True)
    for inner in purity.bodies(node):
        yield from (s for s in _flat(inner, later=True) if not isinstance(s.node, _FIXED))


def is_main(test: ast.expr) -> bool:
    """`__name__ == "__main__"`, either way round."""
    return isinstance(test, ast.Compare) and any(
        isinstance(side, ast.Name) and side.id == "__name__" for side in (test.left, *test.comparators)
    )


def statement(node: ast.stmt, *, is_eager: bool) -> Statement:
    binds: set[str] = set()
    changes: set[str] = set()
    loads: set[str] = set()
    for one in _own_nodes(node):
        match one:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                binds.add(name)
            case ast.Import(names=aliases):
                binds |= {alias.asname or alias.name.partition(".")[0] for alias in aliases}
            case ast.ImportFrom(names=aliases):
                binds |= {alias.asname or alias.name for alias in aliases} - {"*"}
            case ast.Name(id=name, ctx=ast.Load()):
                loads.add(name)
            case ast.Name(id=name):
                binds.add(name)
            case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()):
                changes |= _root(one)
            case ast.AugAssign(target=ast.Name(id=name)):
                changes.add(name)
                loads.add(name)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner))):
                changes |= _root(owner)
            case ast.Expr(value=ast.Call(func=ast.Name(id="setattr"), args=[owner, *_])):
                changes |= _root(owner)
            case _:
                pass
    return Statement(node, frozenset(binds), frozenset(changes - binds), frozenset(loads), is_eager)


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs when the statement does: not the bodies of functions, nor what a class keeps inside."""
    yield node
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            inner = [*node.decorator_list, *_defaults(node.args), *_annotations(node)]
        case ast.Lambda():
            inner = _defaults(node.args)
        case ast.ClassDef():
            yield from _own_nodes_of_class(node)
            return
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            yield from _names_around(node)
            return
        case _:
            inner = list(ast.iter_child_nodes(node))  # type: ignore[arg-type]
    for child in inner:
        yield from _own_nodes(child)


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    """The defaults of parameters, which Python evaluates with the definition."""
    return [*arguments.defaults, *(default for default in arguments.kw_defaults if default)]


def _annotations(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    """Of the result and of the plain parameters, which Python evaluates with the definition."""
    found = (function.returns, *(arg.annotation for arg in function.args.args))
    return [annotation for annotation in found if annotation]


def _names_around(comprehension: ast.expr) -> Iterator[ast.Name]:
    """The names in a comprehension that are not its own variables."""
    names = [node for node in ast.walk(comprehension) if isinstance(node, ast.Name)]
    bound = {name.id for name in names if not isinstance(name.ctx, ast.Load)}
    yield from (name for name in names if name.id not in bound)


def _own_nodes_of_class(node: ast.ClassDef) -> Iterator[ast.AST]:
    for outer in (*node.bases, *node.keywords, *node.decorator_list):
        yield from _own_nodes(outer)
    for stmt in node.body:  # what the body reads counts, what it binds is the class's own
        yield from (n for n in _own_nodes(stmt) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))


def _root(node: ast.expr) -> set[str]:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return {node.id} if isinstance(node, ast.Name) else set()
