"""`int(...)` of a size: a formula, where Python itself would make it one number.

`int(h / 2)` is how forwards halve a size. Python takes nothing but an int from `__int__`, so that a trace would speak
of one height alone.
"""

from __future__ import annotations

import ast
from typing import Any, Final, TypeVar

import torch

from convlint.worker.values.contents import number, truncated

INT: Final = "__convlint_int__"
"""What `int` is called in the user's own code, among the builtins."""
Tree = TypeVar("Tree", bound=ast.AST)


def as_int(value: Any = 0) -> Any:
    """Raises what `int` raises."""
    if isinstance(value, torch.Tensor) and (known := number(value)) is not None:
        value = known
    return truncated(value)


def with_symbolic_ints(tree: Tree) -> Tree:
    """The same tree, changed in place, with each call `int(x)` sent through `as_int`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
            function = node.func
            if isinstance(function, ast.Name) and function.id == "int":
                function.id = INT
    return tree
