"""What comments at the head of forward say of its inputs: `# x: (B, T, C)`, `# [1, 28, 28] -> [32, 26, 26]`."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from convlint.discovery.hints.definition import Forward, first_row
from convlint.discovery.hints.shapes import Sizes, first_shape

_BRACKET = re.compile(r"#.*[\[(]")
_ARROW = re.compile(r"->|=>|→|-->")
_UNNAMED = re.compile(
    r"(?:inputs?|in|shape|inputs? (?:shape|size|dim)s?)?\s*(?:is|[:=])*\s*[\[(][^\[\]()]*[\])]\.?", re.I
)
_MOST_LINES = 12  # of the body


@dataclass(frozen=True, slots=True)
class Said:
    """The shape of one parameter."""

    parameter: str
    row: int
    sizes: Sizes


def said_in_comments(forward: Forward) -> list[Said]:
    """At most one shape for each parameter: the first that is said."""
    found: dict[str, Said] = {}
    parameters = [parameter.arg for parameter in forward.parameters]
    rebound = {name: _first_change(name, forward.node) for name in parameters}
    for row, text, is_alone in _comments(forward):
        for said in _shapes(row, text, is_alone, forward, parameters):
            if row < rebound[said.parameter] or _ARROW.search(text):
                found.setdefault(said.parameter, said)
    return [found[name] for name in parameters if name in found]


def _shapes(row: int, text: str, is_alone: bool, forward: Forward, parameters: list[str]) -> Iterator[Said]:
    before_arrow = _ARROW.split(text)[0]
    if before_arrow != text:
        yield from _before_arrow(row, before_arrow, forward, parameters)
        return
    body = forward.node.body
    if not is_alone and body[0].lineno <= row and not _is_look(row, body):
        return  # after a statement it says of the result
    named = list(_named(row, text, parameters))
    yield from named
    if named or not parameters or not _UNNAMED.fullmatch(text):
        return
    sizes = first_shape(text)
    parameter = _parameter_beside(row, is_alone, forward, parameters)
    if sizes and parameter is not None:
        yield Said(parameter, row, sizes)


def _before_arrow(row: int, text: str, forward: Forward, parameters: list[str]) -> Iterator[Said]:
    """`[1, 28, 28] -> [32, 26, 26]`: the way of the data through the first line that does something."""
    first = _first_use(parameters[0], forward.node) if parameters else None
    sizes = first_shape(text)
    if not sizes or first is None or not _UNNAMED.fullmatch(text.strip()):
        return
    if first.lineno <= row <= (first.end_lineno or row):
        yield Said(parameters[0], row, sizes)


def _named(row: int, text: str, parameters: list[str]) -> Iterator[Said]:
    """`x: (B, T, C)`, `x.shape = [8, 3]`."""
    for name in parameters:
        match = re.search(
            rf"(?:^|[\s,;`]){re.escape(name)}`?(?:\.shape|\.size\(\))?\s*(?::|=|\bis\b|\bhas\b|\bof\b|\bshape\b)", text
        )
        sizes = first_shape(text[match.end() :]) if match else None
        if sizes:
            yield Said(name, row, sizes)


def _parameter_beside(row: int, is_alone: bool, forward: Forward, parameters: list[str]) -> str | None:
    """The parameter that a shape without a name is about: the one on its line, or the only one that is required."""
    body = forward.node.body
    on_line = [parameter.arg for parameter in forward.parameters if parameter.lineno == row]
    if len(on_line) == 1 and row < body[0].lineno and not is_alone:
        return on_line[0]
    if len(forward.required) == 1 and is_alone and row < _after_docstring(body):
        return parameters[0]
    return None


def _is_look(row: int, body: list[ast.stmt]) -> bool:
    """`b, t, c = x.shape  # (B, T, C)`."""
    for statement in body:
        if isinstance(statement, ast.Assign) and statement.lineno == row:
            value = statement.value.func if isinstance(statement.value, ast.Call) else statement.value
            return isinstance(value, ast.Attribute) and value.attr in ("shape", "size")
    return False


def _comments(forward: Forward) -> Iterator[tuple[int, str, bool]]:
    """Row, text without `#`, and whether it has the line for itself."""
    lines, node = forward.view.lines, forward.node
    last = min(_after_docstring(node.body) + _MOST_LINES, node.end_lineno or node.lineno)
    strings = _string_rows(node)
    for row in range(first_row(node, lines), min(last, len(lines)) + 1):
        line = lines[row - 1]
        if row in strings or not _BRACKET.search(line):
            continue
        comment = _comment_of(line)
        if comment:
            yield row, comment.lstrip("#").strip(), line.lstrip().startswith("#")


def _comment_of(line: str) -> str | None:
    if line.lstrip().startswith("#"):
        return line.strip()
    try:
        for token in tokenize.generate_tokens(io.StringIO(line.strip() + "\n").readline):
            if token.type == tokenize.COMMENT:
                return token.string
    except (tokenize.TokenError, SyntaxError):
        pass  # a line that ends within brackets: its tokens have been seen all the same
    return None


def _string_rows(node: ast.AST) -> set[int]:
    """The lines of strings that go over several, in which `#` begins no comment."""
    found: set[int] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and inner.end_lineno != inner.lineno:
            found.update(range(inner.lineno, (inner.end_lineno or inner.lineno) + 1))
    return found


def _after_docstring(body: list[ast.stmt]) -> int:
    """The line of the first statement that does something."""
    first = body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    if is_docstring and len(body) > 1:
        return body[1].lineno
    return first.lineno


def _first_change(name: str, node: ast.AST) -> int:
    rows = [
        inner.lineno
        for inner in ast.walk(node)
        if isinstance(inner, ast.Name) and inner.id == name and not isinstance(inner.ctx, ast.Load)
    ]
    return min(rows, default=1 << 30)


def _first_use(name: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt | None:
    """The first statement of the body that takes the name."""
    for statement in node.body:
        if any(isinstance(inner, ast.Name) and inner.id == name for inner in ast.walk(statement)):
            return statement
    return None
