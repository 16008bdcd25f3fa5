"""No function of convlint is denser than a reader can hold in mind."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from radon.visitors import ComplexityVisitor

Definition = ast.FunctionDef | ast.AsyncFunctionDef
ROOT = Path(__file__).parent.parent
LIMIT = 15
"""Of the cyclomatic complexity as radon counts it: boolean operators, conditional expressions, comprehensions too."""


def functions(node: ast.AST, around: str = "") -> Iterator[tuple[str, Definition]]:
    """Every function by its qualified name, wherever it stands."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition | ast.ClassDef):
            name = f"{around}{child.name}"
            if isinstance(child, Definition):
                yield name, child
            yield from functions(child, f"{name}.")
        else:
            yield from functions(child, around)


def branches(function: Definition) -> int:
    """The complexity of a function without those inside of it."""
    (found,) = ComplexityVisitor.from_ast(ast.Module([function], [])).functions
    return int(found.complexity)


def test_no_function_is_too_dense() -> None:
    found: list[str] = []
    for path in sorted((ROOT / "convlint").rglob("*.py")):
        file = path.relative_to(ROOT).as_posix()
        for name, function in functions(ast.parse(path.read_text(encoding="utf-8"))):
            complexity = branches(function)
            if complexity > LIMIT:
                found.append(f"{file}:{function.lineno}: {name} has {complexity} branches")
    assert not found, "\n".join([f"over {LIMIT}:", *found])
