"""Places in source files: from Python frames to spans, and from a number back to the call that gave it."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import CodeType, FrameType, TracebackType

from convlint.facts import Span
from convlint.notebook import is_notebook, open_notebook
from convlint.tracebacks import steps_of
from convlint.worker.stack.users import IsUser

Position = tuple[int, int, int, int]
"""Row, byte column, end row, end byte column, as the compiler and `ast` count them."""


@dataclass(frozen=True, slots=True)
class FramePlace:
    """Where a frame stood: its code and the instruction it was at."""

    code: CodeType
    instruction: int


def place_of(frame: FrameType) -> FramePlace:
    return FramePlace(frame.f_code, frame.f_lasti)


def user_place(frame: FrameType | None, is_user: IsUser) -> FramePlace | None:
    """The innermost place in the user's code, from a frame outwards."""
    while frame is not None:
        if is_user(frame.f_code.co_filename):
            return place_of(frame)
        frame = frame.f_back
    return None


def raised_at(error: BaseException, is_user: IsUser) -> FramePlace | None:
    """The innermost frame of the user's code that an error came through."""
    step = user_step(error, is_user)
    return None if step is None else FramePlace(step.tb_frame.f_code, step.tb_lasti)


def user_step(error: BaseException, is_user: IsUser) -> TracebackType | None:
    """The last step of an error's way that was in the user's code."""
    return next((step for step in steps_of(error) if is_user(step.tb_frame.f_code.co_filename)), None)


@lru_cache(maxsize=4096)
def _positions(code: CodeType) -> list[tuple[int | None, int | None, int | None, int | None]]:
    return list(code.co_positions())


@lru_cache(maxsize=65536)
def position_of(place: FramePlace) -> Position | None:
    """The span of the call that the frame was making."""
    row, end_row, column, end_column = _positions(place.code)[place.instruction // 2]
    if row is None or end_row is None or column is None or end_column is None:
        return None
    return row, column, end_row, end_column


def span_at(filename: str, position: Position) -> Span:
    """A span in characters, counted from 1."""
    row, column, end_row, end_column = position
    return Span(
        filename=filename,
        row=row,
        column=_character(filename, row, column) + 1,
        end_row=end_row,
        end_column=_character(filename, end_row, end_column) + 1,
    )


def _character(filename: str, row: int, byte_column: int) -> int:
    lines = _lines(filename)
    line = lines[row - 1] if 1 <= row <= len(lines) else ""
    return byte_column if line.isascii() else len(line.encode()[:byte_column].decode(errors="ignore"))


def _lines(filename: str) -> Sequence[str]:
    return _notebook_lines(filename) if is_notebook(filename) else linecache.getlines(filename)


@lru_cache(maxsize=16)
def _notebook_lines(filename: str) -> tuple[str, ...]:
    notebook = open_notebook(filename)
    return tuple(f"{line}\n" for line in notebook.source.split("\n")) if notebook is not None else ()


def text_lines(filename: str) -> Sequence[str]:
    """The lines of a file as they were executed, each with its end."""
    return _lines(filename)


def span_of(place: FramePlace) -> Span | None:
    position = position_of(place)
    return None if position is None else span_at(place.code.co_filename, position)


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
        return ParsedFile(ast.parse("".join(_lines(filename))))
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


def argument_places(chain: Sequence[FramePlace], argument: str, names: Sequence[str]) -> Iterator[tuple[str, ast.expr]]:
    """The expressions a constructor argument came through, from the constructor's call outwards.

    `chain` are the frames from the constructor's caller outwards, `names` the constructor's positional
    parameters without `self`. A parameter of a helper is followed to the helper's call, as long as the helper
    hands it on untouched.
    """
    wanted, parameters = argument, list(names)
    for place in chain:
        call = call_at(place)
        expression = _bound(call, wanted, parameters) if call is not None else None
        if expression is None:
            return
        yield place.code.co_filename, expression
        function = function_of(place.code)
        if function is None or not isinstance(expression, ast.Name):
            return
        parameters = _parameters(function)
        keywords = [arg.arg for arg in function.args.kwonlyargs]
        if expression.id not in [*parameters, *keywords] or expression.id in _assigned(function):
            return
        wanted = expression.id


def is_reckoned_with(chain: Sequence[FramePlace], argument: str, names: Sequence[str]) -> bool:
    """Whether a helper that hands the argument on also makes other numbers of it, as in `width + 16`."""
    places = argument_places(chain, argument, names)
    helpers = (function_of(place.code) for place in chain)
    return any(
        isinstance(expression, ast.Name) and function is not None and expression.id in _reckoned(function)
        for (_, expression), function in zip(places, helpers, strict=False)
    )


@lru_cache(maxsize=4096)
def _reckoned(function: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[str]:
    """The names that a function reads elsewhere than as whole arguments of calls."""
    whole: set[int] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            whole.update(map(id, (*node.args, *(keyword.value for keyword in node.keywords))))
    names = (node for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    return frozenset(node.id for node in names if id(node) not in whole)


def default_of(place: FramePlace, name: str) -> ast.expr | None:
    """The default of a parameter of the function that a frame is in."""
    function = function_of(place.code)
    return default_in(function, name) if function is not None else None


def default_in(function: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> ast.expr | None:
    """The default of one of its parameters."""
    args = function.args
    positional = [*args.posonlyargs, *args.args]
    given = zip(positional[len(positional) - len(args.defaults) :], args.defaults, strict=True)
    named = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    return next((default for arg, default in (*given, *named) if arg.arg == name), None)


def function_of(code: CodeType) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The definition of a function in its file."""
    source = source_of(code.co_filename)
    return source.functions.get((code.co_name, code.co_firstlineno)) if source else None


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Positional parameters as a caller counts them: bound calls do not name `self`."""
    names = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def _bound(call: ast.Call, name: str, parameters: Sequence[str]) -> ast.expr | None:
    """The expression that a call gives to the parameter `name`; None where a default or a star gives it."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if name not in parameters:
        return None
    index = list(parameters).index(name)
    given = call.args[: index + 1]
    if len(given) <= index or any(isinstance(arg, ast.Starred) for arg in given):
        return None
    return given[index]


@lru_cache(maxsize=4096)
def _assigned(function: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[str]:
    """The names that a function binds anew."""
    return frozenset(
        node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )


def expression_span(filename: str, expression: ast.expr) -> Span:
    return span_at(filename, node_position(expression))


def line_span(filename: str, row: int) -> Span:
    """A whole line without the blanks around it, where no more is known of a place."""
    lines = _lines(filename)
    line = lines[row - 1].rstrip() if 1 <= row <= len(lines) else ""
    start = len(line) - len(line.lstrip())
    return Span(filename=filename, row=row, column=start + 1, end_row=row, end_column=max(len(line), start) + 1)
