"""A forward that computes something and returns nothing."""

from __future__ import annotations

import ast
from types import CodeType

from torch import nn

from convlint.facts import Violation
from convlint.worker.analysis.session import Run
from convlint.worker.stack.parsed_file import function_of, node_position
from convlint.worker.stack.places import span_at

NAME = "returns_nothing"


def without_result(model: nn.Module, run: Run) -> Violation | None:
    """The missing `return`, where forward has no other effect: it keeps nothing, and makes no call for its effect."""
    if run.trace.output is not None or run.trace.trail.end() is not None:
        return None
    if all(node.op == "placeholder" for node in run.trace.nodes):
        return None
    code = getattr(type(model).forward, "__code__", None)
    function = function_of(code) if isinstance(code, CodeType) else None
    if code is None or function is None or not all(map(_only_computes, ast.walk(function))):
        return None
    return Violation(name=NAME, operand="forward", at=span_at(code.co_filename, node_position(function.body[-1])))


def _only_computes(node: ast.AST) -> bool:
    match node:
        case ast.Return() | ast.Yield() | ast.YieldFrom() | ast.Global() | ast.Nonlocal():
            return False
        case ast.Expr(value=value):
            return isinstance(value, ast.Constant)
        case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()):
            return False
        case _:
            return True
