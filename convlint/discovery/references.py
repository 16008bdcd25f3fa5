"""The names that a piece of code uses as values, and those that it imports."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from convlint.discovery.nodes import children

# Asking what an object is does not make one.
_QUESTIONS = frozenset({"isinstance", "issubclass", "super"})
_HOLDERS = (ast.stmt, ast.ExceptHandler, ast.match_case)


@dataclass(frozen=True, slots=True)
class Imported:
    local: str | None  # None: everything, by `*`
    full: str  # absolute dotted name


def dotted(node: ast.AST | None) -> str | None:
    """`torch.nn.Module` as text; None for anything but names joined by dots."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    parts.append(node.id)
    return ".".join(reversed(parts))


def references_of(body: Iterable[ast.AST]) -> frozenset[str]:
    """Every dotted name used as a value: no annotation, no `isinstance(...)`, and no local variable."""
    return frozenset(_loaded_and_bound(body)[0])


def changes_of(nodes: Iterable[ast.AST]) -> dict[str, list[str]]:
    """`model.fc = nn.Linear(...)` and `model.classifier[6] = nn.Linear(...)`, by the name that is changed."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript() as target], value=ast.Call(func=function)):
                inner: ast.expr = target
                while isinstance(inner, ast.Attribute | ast.Subscript):
                    inner = inner.value
                call = dotted(function)
                if isinstance(inner, ast.Name) and call:
                    found.setdefault(inner.id, []).append(call)
            case _:
                pass
    return found


def _loaded_and_bound(body: Iterable[ast.AST]) -> tuple[set[str], set[str]]:
    loaded: set[str] = set()
    bound: set[str] = set()
    pending = list(body)
    while pending:
        node = pending.pop()
        match node:
            case ast.Name(id=name, ctx=context):
                (loaded if isinstance(context, ast.Load) else bound).add(name)
            case ast.Attribute():
                whole = dotted(node)
                if whole is None:
                    pending.append(node.value)
                else:
                    loaded.add(whole)
            case ast.AnnAssign():
                pending.extend([node.target, node.value] if node.value else [])
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                loaded |= _free(node)
                pending.extend([*_defaults(node.args), *node.decorator_list])
            case ast.Call(func=ast.Name(id=name)) if name in _QUESTIONS:
                pass
            case _:
                pending.extend(children(node))
    return loaded, bound


def _free(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """The names that a function takes from outside."""
    loaded, bound = _loaded_and_bound(function.body)
    arguments = function.args
    own = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    bound |= {argument.arg for argument in own if argument}
    return {name for name in loaded if name.partition(".")[0] not in bound}


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(default for default in arguments.kw_defaults if default)]


def imports_of(body: Iterable[ast.stmt], package: str) -> Iterator[Imported]:
    """The imports anywhere in the code; relative ones start from `package`."""
    pending: list[ast.AST] = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (_plain(alias) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = absolute_name("." * node.level + (node.module or ""), package)
            yield from (_from(source, alias) for alias in node.names)
        else:  # only statements hold statements, and looking at no expression is five times as fast
            for name in ("body", "orelse", "finalbody", "handlers", "cases"):
                pending.extend(inner for inner in getattr(node, name, ()) if isinstance(inner, _HOLDERS))


def _plain(alias: ast.alias) -> Imported:
    # `import a.b` binds `a`; `import a.b as c` binds `c` to the whole.
    if alias.asname:
        return Imported(alias.asname, alias.name)
    first = alias.name.partition(".")[0]
    return Imported(first, first)


def _from(source: str, alias: ast.alias) -> Imported:
    if alias.name == "*":
        return Imported(None, source)
    return Imported(alias.asname or alias.name, f"{source}.{alias.name}" if source else alias.name)


def absolute_name(written: str, package: str) -> str:
    """`..base` as written in `from ..base import ...` in a file of the package."""
    module = written.lstrip(".")
    level = len(written) - len(module)
    if not level:
        return module
    parts = package.split(".") if package else []
    kept = parts[: max(len(parts) - level + 1, 0)]
    return ".".join([*kept, module] if module else kept)
