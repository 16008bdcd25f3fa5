"""Constructions whose arguments are parameters, as the callers of their function have them.

`def load(path): return Net(path)` and `load(args.config)` make `Net(args.config)`, written where `load` is called.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy

from convlint.discovery.nodes import nodes_of
from convlint.discovery.project import Member, Project, Symbol
from convlint.discovery.sites import ConstructorCall, find_calls

_BRANCHES = (ast.If, ast.IfExp, ast.Match, ast.Try, ast.TryStar, ast.While, ast.Lambda)
_DEEPEST = 3
_MOST = 12  # of one model
_Found = dict[Symbol, list[ConstructorCall]]


def handed_on(project: Project, calls: Mapping[Symbol, Sequence[ConstructorCall]]) -> _Found:
    """By model, the constructions that its calls stand for, near callers first."""
    found: _Found = {}
    frontier = {symbol: list(sites) for symbol, sites in calls.items()}
    for _ in range(_DEEPEST):
        waiting = [
            (symbol, call, function)
            for symbol, sites in frontier.items()
            for call in sites
            if (function := _open(project, call))
        ]
        if not waiting:
            break
        frontier = _filled_by_callers(project, waiting)
        for symbol, sites in frontier.items():
            found.setdefault(symbol, []).extend(sites)
    return found


def _filled_by_callers(project: Project, waiting: Sequence[tuple[Symbol, ConstructorCall, ast.FunctionDef]]) -> _Found:
    """The constructions with what the callers of the functions around them give for the parameters."""
    found: _Found = {}
    callers = find_calls(project, {Symbol(call.path, call.owner or "") for _, call, _ in waiting})
    for symbol, call, function in waiting:
        for caller in callers.get(Symbol(call.path, call.owner or ""), ()):
            node = _filled(call.node, function, caller.node)
            if node is not None and len(found.setdefault(symbol, [])) < _MOST:
                found[symbol].append(ConstructorCall(caller.path, node, caller.owner, caller.is_test, is_written=False))
    return found


def _open(project: Project, call: ConstructorCall) -> ast.FunctionDef | None:
    """The function around a call that needs nothing but its parameters for the arguments."""
    member = project.members.get(call.path)
    if call.owner is None or not isinstance(member, Member):
        return None
    function = _around(member.tree.body, call.owner, call.node.lineno)
    if function is None or not _always_runs(function, call.node.lineno):
        return None
    used = {node.id for node in nodes_of(_arguments(call.node)) if isinstance(node, ast.Name)}
    given = {argument.arg for argument in _parameters(function)}
    unchanged = given - _bound(function)
    is_open = used & given and all(name in unchanged or hasattr(builtins, name) for name in used)
    return function if is_open else None


def _bound(function: ast.FunctionDef) -> set[str]:
    """The names that a function gives a value."""
    names = (node for node in nodes_of(function.body) if isinstance(node, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, ast.Store)}


def _around(body: Iterable[ast.stmt], owner: str, row: int) -> ast.FunctionDef | None:
    """The function of a name, or the constructor of the class of that name, if the row is inside."""
    for node in body:
        if not node.lineno <= row <= (node.end_lineno or 0):
            continue
        if isinstance(node, ast.FunctionDef):
            return node if node.name == owner else None
        if isinstance(node, ast.ClassDef):
            return _around(node.body, "__init__", row) if node.name == owner else None
        inner = (part for part in ast.iter_child_nodes(node) if isinstance(part, ast.stmt))
        return _around(inner, owner, row)
    return None


def _always_runs(function: ast.FunctionDef, row: int) -> bool:
    """Whether no branch decides if the line is reached: which callers reach it would not be known."""
    for node in nodes_of(function.body):
        if isinstance(node, ast.Return) and node.lineno < row:
            return False
        if isinstance(node, _BRANCHES) and node.lineno <= row <= (node.end_lineno or 0):
            return False
    return True


def _parameters(function: ast.FunctionDef) -> list[ast.arg]:
    """Those that have a name each; without the object that a method is called on."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args][function.name == "__init__" :]
    return [*positional, *arguments.kwonlyargs]


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _filled(site: ast.Call, function: ast.FunctionDef, caller: ast.Call) -> ast.Call | None:
    """The construction with what the caller gives in place of the parameters."""
    values = dict(_given(function, caller))
    used = {node.id for node in nodes_of(_arguments(site)) if isinstance(node, ast.Name)}
    wanted = used & {argument.arg for argument in _parameters(function)}
    if not wanted <= values.keys():
        return None
    made = ast.Call(site.func, deepcopy(site.args), deepcopy(site.keywords))
    filled = _Fill(values).visit(made)
    return ast.fix_missing_locations(ast.copy_location(filled, caller)) if isinstance(filled, ast.Call) else None


def _given(function: ast.FunctionDef, caller: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """What a call gives to the parameters, and their defaults where these are plain."""
    parameters = [argument.arg for argument in _parameters(function)]
    arguments = function.args
    count = len(parameters) - len(arguments.kwonlyargs)
    defaults = [*zip(parameters[:count][::-1], arguments.defaults[::-1], strict=False)]
    defaults += [*zip(parameters[count:], arguments.kw_defaults, strict=True)]  # type: ignore[list-item]
    yield from ((name, value) for name, value in defaults if isinstance(value, ast.Constant))
    stars = [number for number, value in enumerate(caller.args) if isinstance(value, ast.Starred)]
    yield from zip(parameters[: min(stars, default=count)], caller.args, strict=False)
    yield from ((keyword.arg, keyword.value) for keyword in caller.keywords if keyword.arg)


class _Fill(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, ast.expr]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return deepcopy(self.values.get(node.id, node))
