"""Scripts: the files that build models when they run, and not only define them."""

from __future__ import annotations

import ast
import os
from collections.abc import Collection, Iterator

from convlint.discovery.outline import is_main
from convlint.discovery.project import Member, Project, module_file
from convlint.discovery.references import imports_of
from convlint.discovery.survey import Survey
from convlint.readme import is_readme

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
_QUIET = frozenset({"basicConfig", "getLogger", "manual_seed", "seed", "filterwarnings", "simplefilter", "append"})


def find_scripts(survey: Survey, paths: Collection[str]) -> dict[str, frozenset[str]]:
    """Of some files those that do something when they are run, and have to do with models of the project: each with
    the files that it imports, near and far, and itself."""
    project = survey.census.class_graph.project
    homes = {symbol.path for symbol in (*survey.census.classes, *survey.census.makers)}
    reach: dict[str, frozenset[str]] = {}
    members = project.parsed()
    found = (path for path in paths if path in members and not is_readme(path) and runs(members[path].tree))
    return {path: files for path in found if not homes.isdisjoint(files := _reach(project, path, reach))}


def runs(tree: ast.Module) -> bool:
    """Whether a file does something at its top level, or below `if __name__ == "__main__"`."""
    return any(_does_something(statement) or _is_start(statement) for statement in tree.body)


def _is_start(statement: ast.stmt) -> bool:
    """A test, or a function that is there to be started."""
    if isinstance(statement, ast.ClassDef):
        return statement.name.startswith("Test")
    return isinstance(statement, ast.FunctionDef) and (statement.name.startswith("test") or statement.name == "main")


def _does_something(statement: ast.stmt) -> bool:
    match statement:
        case ast.If(test=test) if is_main(test):
            return True
        case ast.For() | ast.While() | ast.With():
            return True
        case ast.Assign(value=ast.Call()) | ast.AnnAssign(value=ast.Call()) | ast.Expr(value=ast.Call()):
            return not _is_quiet(statement)
        case ast.If() | ast.Try():
            inner = [one for name in ("body", "orelse", "finalbody") for one in getattr(statement, name, ())]
            return any(_does_something(one) for one in inner if not isinstance(one, _DEFINITIONS))
        case _:
            return False


def _is_quiet(statement: ast.Assign | ast.AnnAssign | ast.Expr) -> bool:
    called = statement.value.func if isinstance(statement.value, ast.Call) else None
    name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
    return name in _QUIET


def _reach(project: Project, path: str, known: dict[str, frozenset[str]]) -> frozenset[str]:
    """The files of the project that one imports, near and far, and itself."""
    if path not in known:
        reached: set[str] = set()
        pending = [path]
        while pending:
            one = pending.pop()
            if one in reached:
                continue
            reached.add(one)
            member = project.members.get(one)
            if isinstance(member, Member):
                pending.extend(_imported(member))
        known[path] = frozenset(reached)
    return known[path]


def _imported(member: Member) -> Iterator[str]:
    for imported in imports_of(member.tree.body, member.place.package):
        parts = imported.full.split(".")
        for length in range(len(parts), 0, -1):
            name = ".".join(parts[:length])
            found = next((p for folder in member.place.search_path if (p := module_file(folder, name))), None)
            if found is not None:
                yield os.path.normpath(found)
                break
