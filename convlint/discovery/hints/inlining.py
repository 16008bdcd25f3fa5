"""Expressions with what a loop of the script sets put in place of the names, so that they stand on their own."""

from __future__ import annotations

import ast
from copy import deepcopy

from convlint.discovery.hints.scopes import Binding, SyntaxPlace, live

_DEEPEST = 6


def inlined(node: ast.expr, spot: SyntaxPlace) -> ast.expr:
    """The expression without the variables of loops at the top of a file, which nothing short of a run would set."""
    changed = _Inliner(spot, 0).visit(deepcopy(node))
    assert isinstance(changed, ast.expr)
    return changed


class _Inliner(ast.NodeTransformer):
    def __init__(self, spot: SyntaxPlace, depth: int) -> None:
        self.spot = spot
        self.depth = depth

    def visit_Name(self, node: ast.Name) -> ast.expr:
        bindings = live(node.id, self.spot) or []
        if self.depth > _DEEPEST or len(bindings) != 1 or not _is_in_loop(bindings[0]):
            return node
        value = bindings[0].value
        assert value is not None
        result = _Inliner(bindings[0].spot, self.depth + 1).visit(deepcopy(value))
        for number in bindings[0].index:
            result = ast.Subscript(value=result, slice=ast.Constant(number), ctx=ast.Load())
        assert isinstance(result, ast.expr)
        return result


def _is_in_loop(binding: Binding) -> bool:
    is_set = binding.kind in ("assign", "unpack") and binding.value is not None
    in_loop = any(arm == "loop" for _, arm in binding.spot.block)
    return is_set and in_loop and isinstance(binding.spot.scope.node, ast.Module)
