"""Questions about the frames of a running program."""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Iterator
from functools import lru_cache
from types import FrameType
from typing import Any

from torch import nn

from convlint.worker.user_code.source import tree_of


def owner_of(frame: FrameType) -> nn.Module | None:
    """The module whose method a frame runs; None for any other function."""
    code = frame.f_code
    if not code.co_argcount:
        return None
    first = frame.f_locals.get(code.co_varnames[0])
    if not isinstance(first, nn.Module):
        return None
    found = inspect.getattr_static(type(first), code.co_name, None)
    if isinstance(found, property):
        found = found.fget
    found = inspect.unwrap(found) if callable(found) else found
    return first if found is None or getattr(found, "__code__", code) is code else None


def outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def is_handled(frame: FrameType, error: BaseException) -> bool:
    """Whether a `try` of the user's around the running line, here or in a caller, catches an error."""
    return any(_catches(one, error) or _expects(one) for one in outwards(frame))


def _expects(frame: FrameType) -> bool:
    """Whether a library calls the user's code to see it fail: `pytest.raises(RuntimeError, lambda: net(x))`."""
    return frame.f_code.co_name in _EXPECTING and "__convlint__" not in frame.f_builtins


def _catches(frame: FrameType, error: BaseException) -> bool:
    filename = frame.f_code.co_filename
    if filename.startswith("<") or "__convlint__" not in frame.f_builtins:
        return False
    row = frame.f_lineno
    return any(
        first <= row <= last and any(_is_for(frame, kind, error) for kind in kinds)
        for first, last, kinds in _tries(filename)
    )


def _is_for(frame: FrameType, kind: ast.expr | None, error: BaseException) -> bool:
    if kind is None:
        return True
    if isinstance(kind, ast.Tuple):
        return any(_is_for(frame, one, error) for one in kind.elts)
    found: Any = None
    names = ast.unparse(kind).split(".")
    for number, name in enumerate(names):
        if number == 0:
            found = frame.f_locals.get(name, frame.f_globals.get(name, getattr(builtins, name, None)))
        else:
            found = getattr(found, name, None)
    kinds = found if isinstance(found, tuple) else (found,)
    return any(isinstance(one, type) and issubclass(one, BaseException) and isinstance(error, one) for one in kinds)


@lru_cache(maxsize=256)
def _tries(filename: str) -> tuple[tuple[int, int, tuple[ast.expr | None, ...]], ...]:
    """The lines inside of each `try` with handlers, and what these catch."""
    tree = tree_of(filename)
    return tuple(
        (node.body[0].lineno, node.body[-1].end_lineno or node.body[-1].lineno, kinds)
        for node in (ast.walk(tree) if tree is not None else ())
        if isinstance(node, ast.Try | ast.With) and (kinds := tuple(_caught(node)))
    )


_EXPECTING = ("raises", "assertRaises", "assertRaisesRegex", "suppress")


def _caught(node: ast.Try | ast.With) -> Iterator[ast.expr | None]:
    """What a `try` catches and does not raise again; what `pytest.raises` waits for is all that may come."""
    if isinstance(node, ast.Try):
        for handler in node.handlers:
            if not any(isinstance(inner, ast.Raise) for inner in handler.body):
                yield handler.type
        return
    for item in node.items:
        called = item.context_expr.func if isinstance(item.context_expr, ast.Call) else None
        name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
        if name in _EXPECTING:
            yield None
