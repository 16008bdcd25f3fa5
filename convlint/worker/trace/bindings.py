"""Where a function binds its local names: one that is bound only after its use is never there."""

from __future__ import annotations

import ast
import dis
from collections.abc import Iterator

from convlint.worker.stack.parsed_file import function_of
from convlint.worker.stack.places import FramePlace, position_of

_LOOPS = (ast.For, ast.AsyncFor, ast.While)


def is_bound_later(place: FramePlace) -> bool:
    """Whether the local name that is read here is bound by statements after it alone, whatever way is taken."""
    function, position, name = function_of(place.code), position_of(place), _read(place)
    if function is None or position is None or name is None:
        return False
    if any(isinstance(node, ast.Delete) for node in ast.walk(function)):
        return False
    row, rows = position[0], list(_bindings(function, name))
    loops = [node for node in ast.walk(function) if isinstance(node, _LOOPS)]
    around = [loop for loop in loops if _spans(loop, row)]
    return bool(rows) and all(one > row and not any(_spans(loop, one) for loop in around) for one in rows)


def _spans(loop: ast.For | ast.AsyncFor | ast.While, row: int) -> bool:
    return loop.lineno <= row <= (loop.end_lineno or row)


def _read(place: FramePlace) -> str | None:
    """The local name that an instruction reads; the exception itself does not say it."""
    found = (one for one in dis.get_instructions(place.code) if one.offset == place.instruction)
    return next((str(one.argval) for one in found if one.opname.startswith("LOAD_FAST")), None)


def _bindings(function: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> Iterator[int]:
    """The rows that give a local name a value."""
    for node in ast.walk(function):
        match node:
            case ast.Name(id=found, ctx=ast.Store()) | ast.FunctionDef(name=found) | ast.ClassDef(name=found):
                pass
            case ast.alias(name=whole, asname=other):
                found = other or whole.partition(".")[0]
            case ast.ExceptHandler(name=other) | ast.MatchAs(name=other) | ast.MatchStar(name=other):
                found = other or ""
            case _:
                continue
        if found == name:
            yield node.lineno
