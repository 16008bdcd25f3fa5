"""No function of convlint is denser than a reader can hold in mind."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from radon.visitors import ComplexityVisitor

Definition = ast.FunctionDef | ast.AsyncFunctionDef
ROOT = Path(__file__).parent.parent
LIMIT = 15
"""Of the cyclomatic complexity as radon counts it: boolean operators, conditional expressions, comprehensions too."""
NOT_YET = {
    ("convlint/worker/build/agreement.py", "can_agree"),
    ("convlint/worker/build/constructions.py", "_construction"),
    ("convlint/worker/build/constructions.py", "known"),
    ("convlint/worker/analysis/verdict/bystanders.py", "bystanders"),
    ("convlint/worker/analysis/verdict/degenerate.py", "_images"),
    ("convlint/worker/analysis/verdict/degenerate.py", "degenerate"),
    ("convlint/worker/analysis/solving/dependence.py", "_of_index"),
    ("convlint/worker/analysis/solving/explore.py", "_fits_by_chance"),
    ("convlint/worker/analysis/verdict/joined_batch.py", "_joins_branches"),
    ("convlint/worker/analysis/verdict/raising.py", "always_raises"),
    ("convlint/worker/analysis/inference/changes.py", "changes"),
    ("convlint/worker/analysis/inference/demands.py", "_changed"),
    ("convlint/worker/analysis/inference/demands.py", "_solved"),
    ("convlint/worker/analysis/inference/candidates.py", "_confirmed"),
    ("convlint/worker/trace/forward_parameters.py", "_parts_read"),
    ("convlint/worker/process/job.py", "_Work._guessed"),
    ("convlint/worker/ops/recurrent.py", "_sequence"),
    ("convlint/worker/ops/reshaping.py", "_unflatten_dim"),
}
"""Functions that are still denser. The list may only shrink."""


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


@pytest.fixture(scope="module")
def dense() -> dict[tuple[str, str], str]:
    """The functions over the limit by file and name, each with the line that tells of it."""
    found: dict[tuple[str, str], str] = {}
    for path in sorted((ROOT / "convlint").rglob("*.py")):
        file = path.relative_to(ROOT).as_posix()
        for name, function in functions(ast.parse(path.read_text(encoding="utf-8"))):
            complexity = branches(function)
            if complexity > LIMIT:
                found[file, name] = f"{file}:{function.lineno}: {name} has {complexity} branches"
    return found


def test_no_function_is_too_dense(dense: dict[tuple[str, str], str]) -> None:
    new = [line for key, line in dense.items() if key not in NOT_YET]
    assert not new, "\n".join([f"over {LIMIT}:", *new])


@pytest.mark.parametrize("key", sorted(NOT_YET), ids=":".join)
def test_what_is_still_dense_leaves_the_list_in_time(dense: dict[tuple[str, str], str], key: tuple[str, str]) -> None:
    assert key in dense, f"{':'.join(key)} is no longer over {LIMIT}: take it off the list"
