"""What code gives back: the calls after `return`, and the methods of a class that construct it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from convlint.discovery.nodes import nodes_of
from convlint.discovery.references import dotted

# Methods of a module that give it back: `Net(3).to(device)` makes a Net.
_PASSING_CALLS = frozenset({"to", "cuda", "cpu", "eval", "train", "float", "double", "half", "requires_grad_", "apply"})


def returned_calls(body: list[ast.AST]) -> Iterator[ast.Call]:
    """`return Net(3)`, and `model = Net(3)` before `return model`."""
    assigned: dict[str, list[ast.Call]] = {}
    for node in body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call):
                assigned.setdefault(name, []).append(maker(call))
            case _:
                pass
    for node in body:
        match node:
            case ast.Return(value=ast.Call() as call):
                made = maker(call)
                name, _, method = (dotted(made.func) or "").rpartition(".")
                yield from assigned.get(name, (made,)) if method in _PASSING_CALLS else (made,)
            case ast.Return(value=ast.Name(id=name)):
                yield from assigned.get(name, ())
            case _:
                pass


def maker(call: ast.Call) -> ast.Call:
    """`Net(3)` of `Net(3).to(device).eval()`."""
    match call.func:
        case ast.Attribute(attr=name, value=ast.Call() as inner) if name in _PASSING_CALLS:
            return maker(inner)
        case _:
            return call


def decorators(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> set[str]:
    """The last name of each decorator: `@pytest.fixture()` -> "fixture"."""
    names = (dotted(item.func if isinstance(item, ast.Call) else item) for item in node.decorator_list)
    return {name.rpartition(".")[2] for name in names if name}


def constructors_in(node: ast.ClassDef) -> Iterator[str]:
    """The names of `@classmethod`s that give `cls(...)` back, and the like."""
    for method in node.body:
        if not isinstance(method, ast.FunctionDef):
            continue
        kinds = decorators(method) & {"classmethod", "staticmethod"}
        first = [argument.arg for argument in method.args.args[:1] if "classmethod" in kinds]
        made = (dotted(call.func) or "" for call in returned_calls(list(nodes_of(method.body))))
        is_annotated = method.returns is not None and _annotation(method.returns) in (node.name, "Self")
        if kinds and (is_annotated or any(name.partition(".")[0] in (node.name, *first) for name in made)):
            yield method.name


def _annotation(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else dotted(node)
