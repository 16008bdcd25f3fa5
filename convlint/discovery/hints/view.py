"""One file as hints are looked for in it: its scopes, its names and its lines."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from convlint.discovery.hints.scopes import Function, SyntaxPlace, SyntaxScope, live
from convlint.discovery.hints.scoping import scopes_of
from convlint.discovery.project import Meaning, Member, Project
from convlint.discovery.references import dotted, imports_of
from convlint.discovery.source import decode, read
from convlint.facts import Failure, Span
from convlint.jobs import Expression
from convlint.notebook import line_of, open_notebook


@dataclass(eq=False)
class View:
    project: Project
    member: Member
    _meanings: dict[str, Meaning] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return self.member.place.path

    @cached_property
    def scopes(self) -> list[SyntaxScope]:
        return scopes_of(self.member.tree)

    @cached_property
    def calls(self) -> dict[str, list[tuple[ast.Call, SyntaxPlace]]]:
        """The calls of plain names, by name."""
        found: dict[str, list[tuple[ast.Call, SyntaxPlace]]] = {}
        for scope in self.scopes:
            for call, spot in scope.calls:
                if isinstance(call.func, ast.Name):
                    found.setdefault(call.func.id, []).append((call, spot))
        return found

    @cached_property
    def data(self) -> bytes:
        data = read(self.path, self.path)
        return b"" if isinstance(data, Failure) else data

    @cached_property
    def lines(self) -> list[str]:
        notebook = open_notebook(self.path)
        text = decode(self.data, self.path) if notebook is None else notebook.source
        # As Python counts lines, which knows fewer line ends than `splitlines`.
        return [] if isinstance(text, Failure) else text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """Those at the top of the file, of several by one name the last."""
        found: dict[str, ast.ClassDef] = {}
        pending: list[ast.AST] = [*reversed(self.member.tree.body)]
        while pending:
            node = pending.pop()
            if isinstance(node, ast.ClassDef):
                found[node.name] = node
            elif isinstance(node, ast.If | ast.Try | ast.TryStar | ast.With | ast.ExceptHandler):
                pending.extend(list(ast.iter_child_nodes(node))[::-1])
        return found

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef]:
        return {node.name: node for node in self.member.tree.body if isinstance(node, ast.FunctionDef)}

    @cached_property
    def imports(self) -> dict[str, str]:
        """Every import of the file, also those in functions and below `if __name__ == "__main__"`."""
        found = imports_of(self.member.tree.body, self.member.place.package)
        return {one.local: one.full for one in found if one.local}

    def meaning(self, name: str, spot: SyntaxPlace | None = None) -> Meaning:
        """What a dotted name stands for, unless it is a variable at the spot."""
        first, _, rest = name.partition(".")
        if spot is not None and _is_local(first, spot):
            return None
        if name not in self._meanings:
            known = self.project.meaning(self.path, name)
            if known is None and first in self.imports and first not in self.member.outline.imports:
                full = self.imports[first]
                known = self.project.imported(self.path, f"{full}.{rest}" if rest else full)
            self._meanings[name] = known
        return self._meanings[name]

    def meaning_of(self, node: ast.expr, spot: SyntaxPlace | None = None) -> Meaning:
        """What an expression stands for that is a dotted name."""
        name = dotted(node)
        return self.meaning(name, spot) if name else None

    def given(self, function: Function, parameter: str) -> Iterator[tuple[ast.expr, SyntaxPlace]]:
        """What the calls of a function in this file give for a parameter."""
        names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        for call, spot in self.calls.get(function.name, ()):
            given = dict(zip(names, call.args, strict=False))
            given |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
            if parameter in given:
                yield given[parameter], spot

    def expression(self, node: ast.expr) -> Expression:
        return Expression(text=ast.unparse(node), path=self.path, row=node.lineno)

    def span(self, node: ast.expr) -> Span:
        """Where an expression is. The columns of `ast` count bytes."""
        lines = self.lines
        last = node.end_lineno or node.lineno
        columns = [
            _column(lines, row, offset)
            for row, offset in ((node.lineno, node.col_offset), (last, node.end_col_offset or 0))
        ]
        return Span(filename=self.path, row=node.lineno, column=columns[0], end_row=last, end_column=columns[1])

    def source(self, what: str, row: int, home: str) -> str:
        """The evidence as reports print it; `home` is the file of the model."""
        if self.path == home:
            return f"{what} ({line_of(self.path, row)})"
        name = os.path.basename(self.path)
        if name == os.path.basename(home):
            name = os.path.join(os.path.basename(os.path.dirname(self.path)), name)
        return f"{what} ({name}, {line_of(self.path, row)})"


def _column(lines: list[str], row: int, offset: int) -> int:
    line = lines[row - 1] if row <= len(lines) else ""
    return len(line.encode()[:offset].decode("utf-8", "replace")) + 1


def _is_local(name: str, spot: SyntaxPlace) -> bool:
    """Whether a name is a variable of a function, or a value that the module computes."""
    if isinstance(spot.scope.node, ast.Module):
        return False
    bindings = live(name, spot) or []
    return any(binding.spot.scope.parent is not None and binding.kind != "import" for binding in bindings)


def shorten(text: str, most: int = 50) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 3]}..."
