"""Calls whose exceptions the user's code handles: there forward goes on as Python does, without a repair."""

from __future__ import annotations

import ast
from functools import lru_cache
from types import CodeType, FrameType

from convlint.worker.stack.parsed_file import source_of
from convlint.worker.stack.users import IsUser

_CATCHING = frozenset({"RuntimeError", "Exception", "BaseException"})


class Handled(RuntimeError):
    """Raised in the place of torch's own error, where the user's code handles that."""


def is_handled(frame: FrameType | None, is_user: IsUser, last: CodeType) -> bool:
    """Whether a RuntimeError that is raised in a frame is handled before it leaves the frame of `last`."""
    while frame is not None and frame.f_code is not last:
        filename = frame.f_code.co_filename
        if is_user(filename) and any(start <= frame.f_lineno <= end for start, end in _handled_lines(filename)):
            return True
        frame = frame.f_back
    return False


@lru_cache(maxsize=256)
def _handled_lines(filename: str) -> tuple[tuple[int, int], ...]:
    """The lines of the bodies of `try` statements, and of `with suppress(...)`, that catch a RuntimeError."""
    source = source_of(filename)
    found: list[tuple[int, int]] = []
    for node in ast.walk(source.tree) if source is not None else ():
        match node:
            case ast.Try(body=body, handlers=handlers) if any(_catches(one.type) for one in handlers):
                found.append((body[0].lineno, body[-1].end_lineno or body[-1].lineno))
            case ast.With(items=items, body=body) if any(_suppresses(item.context_expr) for item in items):
                found.append((body[0].lineno, body[-1].end_lineno or body[-1].lineno))
            case _:
                pass
    return tuple(found)


def _catches(kind: ast.expr | None) -> bool:
    match kind:
        case None:
            return True
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in _CATCHING
        case ast.Tuple(elts=kinds):
            return any(map(_catches, kinds))
        case _:
            return False


def _suppresses(context: ast.expr) -> bool:
    match context:
        case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress" | "raises"), args=kinds):
            return any(map(_catches, kinds))
        case _:
            return False
