"""The user's files as they were parsed: calls, functions and checks by their places."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import CodeType

from convlint.facts import Span
from convlint.worker.stack.places import FramePlace, Position, position_of, span_at, text_lines


@dataclass(frozen=True)
class ParsedFile:
    """The calls and functions of one parsed file."""

    tree: ast.Module

    @cached_property
    def calls(self) -> dict[Position, ast.Call]:
        return {node_position(node): node for node in ast.walk(self.tree) if isinstance(node, ast.Call)}

    @cached_property
    def raises(self) -> list[tuple[int, int]]:
        """The lines of statements that raise."""
        found = (node for node in ast.walk(self.tree) if isinstance(node, ast.Raise | ast.Assert))
        return [(node.lineno, node.end_lineno or node.lineno) for node in found]

    @cached_property
    def passes(self) -> dict[Position, bool]:
        """The conditions that an `assert` or an `if` before a `raise` makes, and how each has to turn out to go on."""
        found: dict[Position, bool] = {}
        for node in ast.walk(self.tree):
            match node:
                case ast.Assert(test=test):
                    conditions = dict(_conditions(test, True))
                case ast.If(test=test, body=[*_, ast.Raise()]):
                    conditions = dict(_conditions(test, False))
                case ast.If(test=test, orelse=[*_, ast.Raise()]):
                    conditions = dict(_conditions(test, True))
                case _:
                    continue
            found.update(conditions)
            if len(set(conditions.values())) == 1:  # Python 3.11 gives a jump the place of its statement
                found[node_position(node)] = next(iter(conditions.values()))
        return found

    @cached_property
    def functions(self) -> dict[tuple[str, int], ast.FunctionDef | ast.AsyncFunctionDef]:
        """By name and the first line, which is that of the first decorator."""
        found: dict[tuple[str, int], ast.FunctionDef | ast.AsyncFunctionDef] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                found[node.name, first] = node
        return found


@lru_cache(maxsize=256)
def source_of(filename: str) -> ParsedFile | None:
    try:
        return ParsedFile(ast.parse("".join(text_lines(filename))))
    except (SyntaxError, ValueError, RecursionError):
        return None


def node_position(node: ast.expr | ast.stmt) -> Position:
    return (
        node.lineno,
        node.col_offset,
        node.end_lineno or node.lineno,
        node.end_col_offset or node.col_offset,
    )


def _conditions(test: ast.expr, way: bool) -> Iterator[tuple[Position, bool]]:
    """The parts of a test that are asked one by one, where all of them turn out this way."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield from _conditions(operand, not way)
        case ast.BoolOp(values=values):
            for value in values:
                yield from _conditions(value, way)
        case _:
            yield node_position(test), way


def way_past(place: FramePlace) -> bool | None:
    """How the condition at a place has to turn out for the code not to raise; None for one that is no such check."""
    source, position = source_of(place.code.co_filename), position_of(place)
    return source.passes.get(position) if source is not None and position is not None else None


def raises_at(filename: str, row: int) -> bool:
    """Whether a `raise` or `assert` stands on the line."""
    source = source_of(filename)
    return source is not None and any(start <= row <= end for start, end in source.raises)


def call_at(place: FramePlace) -> ast.Call | None:
    """The call expression that the frame was making."""
    source, position = source_of(place.code.co_filename), position_of(place)
    return source.calls.get(position) if source and position else None


def function_of(code: CodeType) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The definition of a function in its file."""
    source = source_of(code.co_filename)
    return source.functions.get((code.co_name, code.co_firstlineno)) if source else None


def expression_span(filename: str, expression: ast.expr) -> Span:
    return span_at(filename, node_position(expression))
