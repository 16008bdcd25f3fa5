"""The names at one place of the user's code, computed on demand: locals, parameters, then the module's own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from typing import Any

from convlint.facts import Reason
from convlint.worker.user_code.module import Namespace, ProjectModule
from convlint.worker.user_code.statements import Statement, sort
from convlint.worker.user_code.unavailable import Unavailable

Function = ast.FunctionDef | ast.AsyncFunctionDef
MAX_DEPTH = 5
"""Calls that a value is followed through."""


class RuntimeScope:
    """The names that code at a line sees. `namespace` may be used as the globals of an `exec`."""

    def __init__(self, module: ProjectModule, filename: str, tree: ast.Module, row: int, depth: int = 0) -> None:
        self._module, self._filename, self._tree = module, filename, tree
        self._row, self._depth = row, depth
        self._functions, self._owner = enclosing(tree, row)
        self._busy: set[str] = set()
        self._done: set[Statement] = set()
        top: dict[str, Any] = module.__dict__
        self.namespace = Namespace(self._find, {"__builtins__": top["__builtins__"], "__file__": filename})

    def evaluate(self, node: ast.expr) -> Any:
        code = compile(ast.Expression(node), self._filename, "eval", dont_inherit=True)
        return eval(code, self.namespace, self.namespace)  # the user's own expression, in the guarded worker

    def _find(self, name: str) -> Any:
        if name in self._busy:
            raise KeyError(name)
        self._busy.add(name)
        try:
            for function in self._functions:
                if self._binds(function, name):
                    return self._assigned(function, name)
                if name in _parameters(function):
                    return self._parameter(function, name)
            if not self._functions and name in self._rebound:
                return self._computed(self._tree.body, name, "the file")
        finally:
            self._busy.discard(name)
        return self._module.__dict__[name]  # computed by the module, or KeyError

    def _binds(self, function: Function, name: str) -> bool:
        return any(name in s.binds for s in self._before(function.body))

    @cached_property
    def _rebound(self) -> frozenset[str]:
        """`model = Wrapper(model)` at the very line, in a script: what it takes is the model of before."""
        return frozenset().union(*(s.loads & s.binds for s in self._before(self._tree.body) if self._is_here(s)))

    def _is_here(self, one: Statement) -> bool:
        return one.node.lineno <= self._row <= (one.node.end_lineno or 0)

    def _before(self, body: list[ast.stmt]) -> Iterator[Statement]:
        """The statements of a body up to the line, loops and branches taken apart where the line is inside."""
        yield from sort(_up_to(body, self._row))

    def _assigned(self, function: Function, name: str) -> Any:
        if name in _parameters(function):  # `args = args or default()`, `x = x.view(...)`
            with suppress(Unavailable):
                self.namespace[name] = self._parameter(function, name)
        return self._computed(function.body, name, function.name)

    def _computed(self, body: list[ast.stmt], name: str, where: str) -> Any:
        """The value that the statements before the line give to a name, also those that change it."""
        error: BaseException | None = None
        for statement in self._before(body):
            is_itself = self._is_here(statement) and name in statement.loads & statement.binds
            if not statement.is_run or statement.node.lineno > self._row or is_itself:
                continue
            if name in statement.binds or (name in statement.changes and name in self.namespace):
                try:
                    self._run(statement)
                except Exception as raised:
                    error = raised
        if name in self.namespace:
            return dict.__getitem__(self.namespace, name)
        if isinstance(error, Unavailable):
            raise error
        detail = f"{type(error).__name__}: {error}" if error is not None else None
        raise Unavailable(Reason(kind="set-by-script", name=name, owner=where, detail=detail))

    def _run(self, statement: Statement) -> None:
        code = compile(ast.Module([statement.node], []), self._filename, "exec", dont_inherit=True)
        exec(code, self.namespace, self.namespace)

    def _parameter(self, function: Function, name: str) -> Any:
        if self._owner is not None and name == _first(function):
            value: Any = Owner(self._module, self._filename, self._tree, self._owner, self._depth)
        else:
            value = self._argument(function, name)
        self.namespace[name] = value
        return value

    def _argument(self, function: Function, name: str) -> Any:
        """What a parameter is given: at a call of the function in the same file, by default, or by a parser."""
        if self._depth < MAX_DEPTH:
            for call in _calls_of(self._tree, function.name):
                expression = given(call, function, name)
                if expression is not None and not _is_inside(call, function):
                    try:
                        scope = RuntimeScope(self._module, self._filename, self._tree, call.lineno, self._depth + 1)
                        return scope.evaluate(expression)
                    except Exception:
                        continue
        default = _default(function, name)
        if default is not None:
            return RuntimeScope(self._module, self._filename, self._tree, 0, self._depth).evaluate(default)
        parsed = self._parsed(name)
        if parsed is not None:
            return parsed
        raise Unavailable(Reason(kind="parameter-unknown", name=name, owner=function.name))

    def _parsed(self, name: str) -> Any:
        """The options of the only parser of the file, for a parameter that is called like them."""
        if name.lower() not in (
            "args",
            "opt",
            "opts",
            "options",
            "cfg",
            "config",
            "hparams",
            "params",
            "flags",
            "conf",
        ):
            return None
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call) and _called(node) in ("parse_args", "parse_known_args"):
                try:
                    return RuntimeScope(
                        self._module, self._filename, self._tree, node.lineno, self._depth + 1
                    ).evaluate(node)
                except Exception:
                    continue
        return None


class Owner:
    """`self` of a method: its attributes are what the class assigns to them, computed one by one."""

    def __init__(
        self, module: ProjectModule, filename: str, tree: ast.Module, definition: ast.ClassDef, depth: int
    ) -> None:
        self.__dict__["_parts"] = (module, filename, tree, definition, depth)

    def __getattr__(self, name: str) -> Any:
        module, filename, tree, definition, depth = self.__dict__["_parts"]
        if depth < MAX_DEPTH:
            for node in ast.walk(definition):
                targets = node.targets if isinstance(node, ast.Assign) else ()
                if any(_is_self(target, name) for target in targets):
                    return RuntimeScope(module, filename, tree, node.lineno, depth + 1).evaluate(node.value)  # type: ignore[attr-defined]
            for node in definition.body:
                if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
                    return RuntimeScope(module, filename, tree, 0, depth + 1).evaluate(node.value)
        raise Unavailable(Reason(kind="attribute-set-by-script", name=name, owner=definition.name))


def _is_self(target: ast.expr, name: str) -> bool:
    return (
        isinstance(target, ast.Attribute)
        and target.attr == name
        and isinstance(target.value, ast.Name)
        and target.value.id == "self"
    )


def enclosing(tree: ast.Module, row: int) -> tuple[list[Function], ast.ClassDef | None]:
    """The functions around a line, innermost first, and the class whose method the innermost is."""
    functions: list[Function] = []
    owner: ast.ClassDef | None = None
    body: list[ast.stmt] = tree.body
    around: ast.ClassDef | None = None
    while True:
        inner = next((node for node in _all(body) if node.lineno <= row <= (node.end_lineno or 0)), None)
        if inner is None:
            return functions[::-1], owner
        if isinstance(inner, ast.ClassDef):
            around = inner
        else:
            functions.append(inner)
            owner, around = around, None
        body = inner.body


def _all(body: list[ast.stmt]) -> Iterator[Function | ast.ClassDef]:
    """The definitions among statements, also below `if`, `with` and the like."""
    for node in body:
        if isinstance(node, Function | ast.ClassDef):
            yield node
        else:
            for _, inner in _inside(node):
                yield from _all(inner)


def _up_to(body: list[ast.stmt], row: int) -> Iterator[ast.stmt]:
    """The statements that may have run before the line is reached; a loop around it counts as run once."""
    for node in body:
        if node.lineno > row:
            return
        if (node.end_lineno or node.lineno) < row or not hasattr(node, "body"):
            yield node
            continue
        if isinstance(node, ast.For):
            yield from _first_turn(node)
        if isinstance(node, ast.With):
            yield from _opened(node)
        for name, inner in _inside(node):
            if name == "body" or (inner and inner[0].lineno <= row <= (inner[-1].end_lineno or 0)):
                yield from _up_to(inner, row)


def _inside(node: ast.stmt) -> Iterator[tuple[str, list[ast.stmt]]]:
    """What is in a compound statement, with the field that holds it: each statement, the body of each handler."""
    for name in ("body", "orelse", "finalbody", "handlers"):
        for part in getattr(node, name, ()):
            yield name, part.body if isinstance(part, ast.ExceptHandler) else [part]


def _first_turn(node: ast.For) -> Iterator[ast.stmt]:
    """`for depth in (18, 34)` -> `depth = next(iter((18, 34)))`, for what is written out or counted."""
    counted = isinstance(node.iter, ast.Call) and isinstance(node.iter.func, ast.Name) and node.iter.func.id in (
        "range", "zip", "enumerate", "reversed", "sorted",
    )  # fmt: skip
    if counted or isinstance(node.iter, ast.List | ast.Tuple | ast.Name):
        call = ast.parse("next(iter(x for x in ()))", mode="eval").body
        assert isinstance(call, ast.Call)
        call.args = [ast.Call(ast.Name("iter", ast.Load()), [node.iter], [])]
        made = ast.Assign([node.target], call)
        yield ast.fix_missing_locations(ast.copy_location(made, node))


def _opened(node: ast.With) -> Iterator[ast.stmt]:
    for item in node.items:
        if item.optional_vars is not None:
            entered = ast.Call(ast.Attribute(item.context_expr, "__enter__", ast.Load()), [], [])
            yield ast.fix_missing_locations(ast.copy_location(ast.Assign([item.optional_vars], entered), node))


def _parameters(function: Function) -> list[str]:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return [argument.arg for argument in every if argument is not None]


def _first(function: Function) -> str | None:
    names = [*function.args.posonlyargs, *function.args.args]
    return names[0].arg if names else None


def _default(function: Function, name: str) -> ast.expr | None:
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = list(zip(reversed(positional), reversed(arguments.defaults), strict=False))
    pairs += [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None]
    return next((default for argument, default in pairs if argument.arg == name), None)


def _calls_of(tree: ast.Module, name: str) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node) == name)


def _called(call: ast.Call) -> str | None:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return None


def given(call: ast.Call, function: Function, name: str) -> ast.expr | None:
    """The expression that a call gives to a parameter."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    if names[:1] == ["self"] and isinstance(call.func, ast.Attribute):
        names = names[1:]
    index = names.index(name) if name in names else len(call.args)
    if index >= len(call.args) or any(isinstance(argument, ast.Starred) for argument in call.args[: index + 1]):
        return None
    return call.args[index]


def _is_inside(call: ast.Call, function: Function) -> bool:
    return function.lineno <= call.lineno <= (function.end_lineno or 0)
