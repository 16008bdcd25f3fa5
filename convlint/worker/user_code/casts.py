"""Code that changes the dtype of whole models: `model.half()`, `torch.set_default_dtype(torch.bfloat16)`.

It runs outside of forward, where convlint does not follow it: of the dtypes of such a model nothing is certain.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from convlint.worker.user_code.source import tree_of

_METHODS = frozenset({"half", "double", "bfloat16", "type", "set_default_dtype", "set_default_tensor_type", "autocast"})
_DTYPES = frozenset({"float16", "half", "bfloat16", "float64", "double"})


def cast_in(filenames: Iterable[str]) -> tuple[str, int] | None:
    """The file and line of the first such code, outside of the forward methods of these files."""
    for filename in filenames:
        tree = tree_of(filename)
        for node in _outside_forward(tree) if tree is not None else ():
            if isinstance(node, ast.Call) and _casts(node):
                return filename, node.lineno
    return None


def _outside_forward(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef) or child.name != "forward":
            yield child
            yield from _outside_forward(child)


def _casts(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(attr="to"):
            given = [*call.args, *(keyword.value for keyword in call.keywords)]
            return any(_is_dtype(value) for value in given) or any(k.arg == "dtype" for k in call.keywords)
        case ast.Attribute(attr=name):
            return name in _METHODS
        case ast.Name(id=name):
            return name in ("set_default_dtype", "set_default_tensor_type", "autocast")
        case _:
            return False


def _is_dtype(value: ast.expr) -> bool:
    return isinstance(value, ast.Attribute) and value.attr in _DTYPES
