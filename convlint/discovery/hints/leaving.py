"""Statements by which code may be left before its end."""

from __future__ import annotations

import ast

from convlint.discovery.references import dotted

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_ENDING = frozenset({"exit", "quit", "_exit", "abort", "skip", "skipTest", "fail"})


def may_leave(statement: ast.stmt) -> bool:
    """Whether a branch, loop or the like may leave the code around it: by `return`, `continue`, `sys.exit()`."""
    return hasattr(statement, "body") and not isinstance(statement, _DEFINITIONS) and _leaves(statement, in_loop=False)


def _leaves(node: ast.AST, *, in_loop: bool) -> bool:
    match node:
        case ast.Return() | ast.Raise():
            return True
        case ast.Continue() | ast.Break():
            return not in_loop
        case ast.Expr(value=ast.Call(func=function)):
            return (dotted(function) or "").rpartition(".")[2] in _ENDING
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Lambda():
            return False
        case _:
            inside = in_loop or isinstance(node, _LOOPS)
            return any(_leaves(child, in_loop=inside) for child in ast.iter_child_nodes(node))
