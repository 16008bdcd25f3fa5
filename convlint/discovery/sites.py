"""The calls that construct a class or run a factory: where in the project they stand, and what they say."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field

from convlint.discovery.nodes import expects_failure, nodes_of
from convlint.discovery.outline import Outline
from convlint.discovery.project import Meaning, Member, Project, Symbol
from convlint.discovery.references import dotted, imports_of
from convlint.jobs import Expression
from convlint.readme import is_readme

_MOST_SITES = 24
_MOST_OF_READMES = 2  # which show one model in many settings
_LONGEST_TEXT = 2000
_MOST_ROWS = 400  # a call longer than this is not even turned into text


@dataclass(frozen=True, slots=True)
class ConstructorCall:
    path: str
    node: ast.Call
    owner: str | None  # the class or function at the top of the file that it stands in
    is_test: bool
    is_written: bool = True  # False: put together from calls in several places


@dataclass(frozen=True, slots=True)
class _Unit:
    """Code that shares its local imports: a method, a function, or all that is outside of them."""

    owner: str | None
    code: tuple[ast.AST, ...]


def find_calls(project: Project, symbols: Collection[Symbol]) -> dict[Symbol, list[ConstructorCall]]:
    """The calls of the symbols in all parsed files, but for those that a class or function makes of itself."""
    found: dict[Symbol, list[ConstructorCall]] = {}
    names = {symbol.name for symbol in symbols}
    for path, member in project.parsed().items():
        is_test = _is_test(member)
        for unit in _units(member, names | _aliases(member.outline, names)):
            for node, meaning in _resolved(project, member, unit):
                if meaning in symbols and meaning != Symbol(path, unit.owner or ""):
                    assert isinstance(meaning, Symbol)
                    found.setdefault(meaning, []).append(ConstructorCall(path, node, unit.owner, is_test))
    return found


def expressions(
    calls: Iterable[ConstructorCall], home: str, comes_last: Callable[[ConstructorCall], bool]
) -> tuple[Expression, ...]:
    """The calls as text: those of the file `home` first, then scripts, READMEs, tests."""

    def rank(call: ConstructorCall) -> tuple[bool, bool, bool, int, str, int, int]:
        kind = 2 if call.is_test else int(is_readme(call.path))
        place = (call.path, call.node.lineno, call.node.col_offset)
        return comes_last(call), not call.is_written, call.path != home, kind, *place

    found: dict[tuple[str, str], Expression] = {}
    of_readmes = 0
    for call in sorted(calls, key=rank):
        text = _text(call.node)
        if text is None or (call.path, text) in found:
            continue
        of_readmes += is_readme(call.path)
        if of_readmes <= _MOST_OF_READMES or not is_readme(call.path):
            row, is_written = call.node.lineno, call.is_written
            found[call.path, text] = Expression(text=text, path=call.path, row=row, is_written=is_written)
        if len(found) == _MOST_SITES:
            break
    return tuple(found.values())


def arguments_of(node: ast.Call) -> Iterator[str]:
    """The names among a call's arguments."""
    for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
        name = dotted(argument)
        if name is not None:
            yield name


def is_closed(project: Project, call: ConstructorCall) -> bool:
    """Whether the call's arguments are literals and definitions, so that they are the same wherever it stands."""
    roots = [*call.node.args, *(keyword.value for keyword in call.node.keywords)]
    names = (node.id for node in nodes_of(roots) if isinstance(node, ast.Name))
    return all(project.meaning(call.path, name) is not None for name in names)


def _text(node: ast.Call) -> str | None:
    if (node.end_lineno or node.lineno) - node.lineno > _MOST_ROWS:
        return None
    with suppress(RecursionError):
        text = ast.unparse(node)
        return text if len(text) <= _LONGEST_TEXT else None
    return None


def _is_test(member: Member) -> bool:
    parts = os.path.relpath(member.place.path, member.place.root).split(os.sep)
    name = parts[-1].removesuffix(".py")
    return name.startswith("test_") or name.endswith("_test") or not {"test", "tests"}.isdisjoint(parts[:-1])


def _aliases(outline: Outline, names: AbstractSet[str]) -> set[str]:
    """The other names that a file has for some of them."""
    known = [*outline.imports.items(), *((name, value.alias or "") for name, value in outline.values.items())]
    return {local for local, full in known if full.rpartition(".")[2] in names}


def _units(member: Member, names: AbstractSet[str]) -> Iterator[_Unit]:
    """The code of a file in pieces, also of functions and classes below `if` and `try`, where it has the names."""
    outline = member.outline
    rest: list[ast.AST] = []
    pending: list[ast.AST] = list(member.tree.body)
    while pending:
        node = pending.pop()
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) if not _mentions(outline, name, names):
                pass
            case ast.ClassDef():
                yield from (_Unit(node.name, (inner,)) for inner in [*node.body, *node.decorator_list])
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield _Unit(node.name, (node,))
            case ast.If() | ast.Try() | ast.TryStar() | ast.ExceptHandler():
                pending.extend(ast.iter_child_nodes(node))
            case _:
                rest.append(node)
    yield _Unit(None, tuple(rest))


def _mentions(outline: Outline, name: str, names: AbstractSet[str]) -> bool:
    """Whether a definition uses one of the names; looking spares most of the walks, which take long."""
    found = outline.classes.get(name) or outline.functions.get(name)
    if found is None:
        return True
    return any(not names.isdisjoint(used.split(".")[-2:]) for used in found.references)


def _resolved(project: Project, member: Member, unit: _Unit) -> Iterator[tuple[ast.Call, Meaning]]:
    """The calls of a unit with what they call."""
    names = _names_in(member, unit)
    path = member.place.path
    for name, node in names.calls:
        first, dot, rest = name.partition(".")
        full = names.imported.get(first)
        if full is not None and full != member.outline.imports.get(first):
            yield node, project.imported(path, f"{full}{dot}{rest}")
        elif first not in names.hidden:
            yield node, project.meaning(path, name)


@dataclass(slots=True)
class _Names:
    """What a unit calls, and the names that mean something else in it than at the top of the file."""

    calls: list[tuple[str, ast.Call]] = field(default_factory=list)
    imported: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)  # parameters and variables


def _names_in(member: Member, unit: _Unit) -> _Names:
    """The calls and the names of a unit, in one walk over it."""
    found = _Names()
    for node in nodes_of(unit.code, expects_failure):
        if isinstance(node, ast.Call):
            called = dotted(node.func)
            if called is not None:
                found.calls.append((called, node))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imports = imports_of([node], member.place.package)
            found.imported.update({one.local: one.full for one in imports if one.local is not None})
        elif isinstance(node, ast.arg):
            found.hidden.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and unit.owner is not None:
            found.hidden.add(node.id)
    return found
