"""The nodes of a syntax tree, walked in a third of the time that `ast.walk` takes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator

# Fields that hold text, numbers or kinds of operators, but no code.
_PLAIN = frozenset(
    {
        *("arg", "attr", "cls_name", "conversion", "ctx", "id", "is_async", "kind", "kwd_attrs", "level", "module"),
        *("names", "op", "ops", "rest", "simple", "tag", "type_comment", "type_ignores"),
    }
)
# What is in these is meant to fail.
_EXPECTING = frozenset({"raises", "assertRaises", "assertRaisesRegex"})
_CODE = (ast.mod, ast.stmt, ast.expr, ast.excepthandler, ast.arguments, ast.arg, ast.keyword, ast.withitem)
_PARTS = (*_CODE, ast.comprehension, ast.match_case, ast.pattern)
_FIELDS: dict[type, tuple[str, ...]] = {
    kind: tuple(field for field in kind._fields if field not in _PLAIN)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, _PARTS) and not issubclass(kind, ast.Constant)
}


def nodes_of(roots: Iterable[ast.AST], skips: Callable[[ast.AST], bool] | None = None) -> Iterator[ast.AST]:
    """The roots and the code below them but constants, in no particular order; without what `skips` is true for."""
    pending: list[ast.AST] = list(roots)
    while pending:
        node = pending.pop()
        fields = _FIELDS.get(node.__class__)
        if fields is None or (skips is not None and skips(node)):
            continue
        yield node
        for field in fields:
            value = getattr(node, field, None)
            if value.__class__ is list:
                pending += value
            elif value is not None:
                pending.append(value)


def children(node: ast.AST) -> list[ast.AST]:
    """The code right below a node."""
    found: list[ast.AST] = []
    for field in _FIELDS.get(node.__class__, ()):
        value = getattr(node, field, None)
        if value.__class__ is list:
            found += [inner for inner in value if isinstance(inner, _PARTS)]
        elif isinstance(value, _PARTS):
            found.append(value)
    return found


def expects_failure(node: ast.AST) -> bool:
    """`with pytest.raises(ValueError): Net(-1)` and the like say how not to do it."""
    if isinstance(node, ast.With | ast.AsyncWith):
        return any(expects_failure(item.context_expr) for item in node.items)
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
    return name in _EXPECTING
