"""Calls and operators of the user's code as trees, and the text of their parts."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from convlint.facts import Change, Span
from convlint.worker.stack.parsed_file import expression_span, node_position, source_of
from convlint.worker.stack.places import FramePlace, position_of, span_at, text_lines

LONGEST = 72
"""Characters of an edited call that are shown; of a longer one the rest is left out."""

_TIGHT = (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.Constant, ast.Tuple, ast.List)
_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.MatMult: "@",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


@dataclass(frozen=True)
class SourceExpression:
    """An expression, or an augmented assignment, in a file of the user's."""

    filename: str
    node: ast.expr | ast.AugAssign

    @property
    def span(self) -> Span:
        return span_at(self.filename, node_position(self.node))

    @property
    def text(self) -> str:
        return text_at(self.span)

    def part(self, node: ast.expr) -> SourceExpression:
        return SourceExpression(self.filename, node)

    @property
    def operator(self) -> str | None:
        """`+` of `a + b` and of `a += b`."""
        match self.node:
            case ast.BinOp(op=op):
                return _OPERATORS.get(type(op))
            case ast.AugAssign(op=op):
                sign = _OPERATORS.get(type(op))
                return f"{sign}=" if sign else None
            case ast.Compare(ops=[op]):
                return _COMPARISONS.get(type(op))
            case _:
                return None

    @property
    def operands(self) -> tuple[ast.expr, ...]:
        """The expressions that an operator joins."""
        match self.node:
            case ast.BinOp(left=left, right=right):
                return left, right
            case ast.AugAssign(target=target, value=value):
                return target, value
            case ast.Compare(left=left, comparators=[right]):
                return left, right
            case _:
                return ()

    @property
    def atom(self) -> str:
        """The text, in parentheses where something after it would bind to a part of it."""
        return self.text if isinstance(self.node, _TIGHT) else f"({self.text})"


def text_at(span: Span) -> str:
    """The user's text in a span."""
    lines = [line.rstrip("\n") for line in text_lines(span.filename)[span.row - 1 : span.end_row]]
    if not lines:
        return ""
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return "\n".join(lines)


def written_at(place: FramePlace) -> SourceExpression | None:
    """The call or operation that a frame was making."""
    position = position_of(place)
    node = _expressions(place.code.co_filename).get(position) if position is not None else None
    return SourceExpression(place.code.co_filename, node) if node is not None else None


@lru_cache(maxsize=64)
def _expressions(filename: str) -> dict[tuple[int, int, int, int], ast.expr | ast.AugAssign]:
    source = source_of(filename)
    if source is None:
        return {}
    kinds = (ast.Call, ast.BinOp, ast.AugAssign, ast.Compare)
    return {node_position(node): node for node in ast.walk(source.tree) if isinstance(node, kinds)}


def function_around(filename: str, node: ast.AST) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The innermost function that a node is in."""
    source = source_of(filename)
    found = None
    for function in source.functions.values() if source is not None else ():
        inside = function.lineno <= node.lineno <= (function.end_lineno or 0)  # type: ignore[attr-defined]
        if inside and (found is None or function.lineno > found.lineno):
            found = function
    return found


def replaced(part: SourceExpression, text: str) -> Change:
    return Change(at=part.span, text=text)


def inserted(filename: str, row: int, column: int, text: str) -> Change:
    """Text put in at a place, counted from 1."""
    return Change(at=Span(filename=filename, row=row, column=column, end_row=row, end_column=column), text=text)


def shown_call(call: SourceExpression, part: ast.expr, text: str) -> str:
    """The call with one argument written again, on one line; a long one ends in an ellipsis after the argument."""
    assert isinstance(call.node, ast.Call)
    whole = _spliced(call, expression_span(call.filename, part), text)
    return one_line(whole, _upto(call, part, text))


def with_keyword(call: SourceExpression, names: Sequence[str], name: str, text: str) -> tuple[Change, str] | None:
    """The change that gives a keyword argument to a call, and the call as it is then."""
    assert isinstance(call.node, ast.Call)
    given = argument_of(call.node, name, names)
    if given is not None:
        return replaced(call.part(given), text), shown_call(call, given, text)
    if any(keyword.arg is None for keyword in call.node.keywords):
        return None  # `**options` may hold it
    span = call.span
    before = text_at(span)[:-1].rstrip()
    gap = "" if before.endswith("(") else " " if before.endswith(",") else ", "
    change = inserted(call.filename, span.end_row, span.end_column - 1, f"{gap}{name}={text}")
    whole = before + f"{gap}{name}={text})"
    first = call.node.args[0] if call.node.args else None
    short = f"{_callee(call)}({call.part(first).text + ', ' if first is not None else ''}..., {name}={text})"
    return change, one_line(whole, short)


def one_line(whole: str, short: str) -> str:
    """A text on one line, or a shorter one where it does not fit there."""
    return whole if len(whole) <= LONGEST and "\n" not in whole else " ".join(short.split())


def argument_of(call: ast.Call, name: str, names: Sequence[str]) -> ast.expr | None:
    """The expression that a call gives to a parameter, where it gives one."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    index = names.index(name) if name in names else len(call.args)
    given = call.args[: index + 1]
    if len(given) <= index or any(isinstance(arg, ast.Starred) for arg in given):
        return None
    return given[index]


def arguments(call: ast.Call) -> Iterator[ast.expr]:
    """The positional and the named arguments, in their order."""
    yield from call.args
    yield from (keyword.value for keyword in call.keywords)


def _spliced(call: SourceExpression, part: Span, text: str) -> str:
    span = call.span
    head = span.model_copy(update={"end_row": part.row, "end_column": part.column})
    tail = span.model_copy(update={"row": part.end_row, "column": part.end_column})
    return text_at(head) + text + text_at(tail)


def _upto(call: SourceExpression, part: ast.expr, text: str) -> str:
    """`nn.Conv2d(256, 128, ...)`: the arguments up to the new one and the next."""
    assert isinstance(call.node, ast.Call)
    given = [*call.node.args, *call.node.keywords]
    values = list(arguments(call.node))
    index = values.index(part)
    shown = []
    for one, value in zip(given[: index + 2], values, strict=False):
        new = text if value is part else call.part(value).text
        shown.append(f"{one.arg}={new}" if isinstance(one, ast.keyword) else new)
    rest = ", ..." if len(given) > index + 2 else ""
    return f"{_callee(call)}({', '.join(shown)}{rest})"


def _callee(call: SourceExpression) -> str:
    assert isinstance(call.node, ast.Call)
    return call.part(call.node.func).text
