"""Which model a `# convlint: input=...` comment is on."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from convlint.discovery.hints.definition import Definition, Forward, define, first_row
from convlint.discovery.hints.directives import Directive, directives
from convlint.discovery.hints.scopes import Function
from convlint.discovery.hints.view import View
from convlint.discovery.project import Symbol
from convlint.discovery.survey import Census
from convlint.facts import Span
from convlint.filenames import display
from convlint.jobs import Hint
from convlint.notebook import is_notebook, line_of


def hints(symbol: Symbol, definition: Definition, view_of: Callable[[str], View | None]) -> Iterator[Hint]:
    """The user's word on forward, on the class, and on a function that makes the model."""
    places: list[tuple[View, ast.ClassDef | Function]] = []
    if definition.forward is not None:
        places.append((definition.forward.view, definition.forward.node))
    places.append((definition.view, definition.node))
    maker = _function(symbol, view_of(symbol.path))
    if maker is not None:
        places.insert(0, maker)
    for view, node in places:
        for directive in _directives(view):
            if directive.inputs and _is_on(directive, node, view) and not _misnamed(directive, definition.forward):
                source = view.source("comment", directive.row, symbol.path)
                fed = _span(view, directive.row)
                yield Hint(kind="inputs", source=source, is_declared=True, inputs=directive.inputs, fed=fed)


def _span(view: View, row: int) -> Span:
    """The comment of a directive."""
    line = view.lines[row - 1].rstrip()
    start = line.rfind("#", 0, line.find("convlint")) + 1
    return Span(filename=view.path, row=row, column=max(start, 1), end_row=row, end_column=len(line) + 1)


def asked(view: View, census: Census, view_of: Callable[[str], View | None]) -> Iterator[Symbol]:
    """The classes of a file with a directive on themselves or on their own forward."""
    found = [directive for directive in _directives(view) if directive.inputs]
    for symbol in census.classes if found else ():
        definition = define(symbol, census, view_of) if symbol.path == view.path else None
        nodes = _heads(definition) if definition else []
        if any(_is_on(directive, node, view) for directive in found for node in nodes):
            yield symbol


def problems(view: View, census: Census, view_of: Callable[[str], View | None]) -> list[str]:
    """The directives of a file that cannot be followed."""
    found: list[str] = []
    for directive in _directives(view):
        problem = directive.problem or _misplaced(directive, view, census, view_of)
        if problem:
            found.append(f"{_place(view.path, directive.row)}: `# convlint: input=...`: {problem}")
    return found


def _directives(view: View) -> list[Directive]:
    return directives(view.lines) if b"convlint" in view.data else []


def _place(path: str, row: int) -> str:
    return f"{display(path)}: {line_of(path, row)}" if is_notebook(path) else f"{display(path)}:{row}"


def _misplaced(directive: Directive, view: View, census: Census, view_of: Callable[[str], View | None]) -> str | None:
    is_on_one = False
    for symbol in (*census.classes, *census.factories):
        if symbol.path != view.path:
            continue
        definition = define(symbol, census, view_of) if symbol in census.classes else None
        maker = _function(symbol, view)
        nodes = _heads(definition) if definition else [maker[1]] if maker else []
        if any(_is_on(directive, node, view) for node in nodes):
            is_on_one = True
            wrong = _misnamed(directive, definition.forward if definition else None)
            if wrong:
                return f'forward has no parameter "{wrong}"'
    return None if is_on_one else "it belongs to the class of a model or to its forward: above it, or first in its body"


def _heads(definition: Definition) -> list[ast.ClassDef | Function]:
    """A class and its own forward; a directive on an inherited one is the base's."""
    forward = definition.forward
    own = [forward.node] if forward is not None and forward.owner is definition.node else []
    return [definition.node, *own]


def _misnamed(directive: Directive, forward: Forward | None) -> str | None:
    if forward is None or forward.node.args.kwarg is not None:
        return None
    known = {parameter.arg for parameter in forward.parameters}
    return next((spec.name for spec in directive.inputs if spec.name and spec.name not in known), None)


def _function(symbol: Symbol, view: View | None) -> tuple[View, Function] | None:
    found = view.functions.get(symbol.name) if view else None
    return (view, found) if view and found else None


def _is_on(directive: Directive, node: ast.ClassDef | Function, view: View) -> bool:
    """In the comments right above, on the lines of the head, or in the body before it does anything."""
    body = node.body
    first = body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    does = body[1] if is_docstring and len(body) > 1 else first
    end = first_row(does, []) if isinstance(does, ast.ClassDef | Function) else does.lineno
    if is_docstring and len(body) == 1 and node.end_lineno:
        end = node.end_lineno + 1
    is_one_line = first.lineno == node.lineno
    return first_row(node, view.lines) <= directive.row < end or (is_one_line and directive.row == node.lineno)
