"""Shapes that annotations tell: `x: Float[Tensor, "batch 3 28 28"]`."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from convlint.discovery.hints.shapes import Sizes, parse_sizes
from convlint.discovery.hints.view import View
from convlint.discovery.references import dotted
from convlint.discovery.source import parse

# The dtype that a class of jaxtyping stands for.
_DTYPES = {
    "Float": "float32",
    "Float16": "float16",
    "BFloat16": "bfloat16",
    "Float32": "float32",
    "Float64": "float64",
    "Inexact": "float32",
    "Real": "float32",
    "Num": "float32",
    "Shaped": "float32",
    "Complex": "complex64",
    "Complex64": "complex64",
    "Complex128": "complex128",
    "Int": "int64",
    "Integer": "int64",
    "Int8": "int8",
    "Int16": "int16",
    "Int32": "int32",
    "Int64": "int64",
    "UInt8": "uint8",
    "Bool": "bool",
}
_TYPES = {"int": "int64", "long": "int64", "float": "float32", "bool": "bool", "double": "float64"}


def annotated(parameters: Iterable[ast.arg], view: View) -> dict[str, tuple[Sizes, str]]:
    """The shape and dtype of each parameter that has one in its annotation."""
    found = {parameter.arg: _annotation(parameter.annotation, view) for parameter in parameters}
    return {name: shape for name, shape in found.items() if shape is not None}


def _annotation(node: ast.expr | None, view: View) -> tuple[Sizes, str] | None:
    node = _unquoted(node)
    if not isinstance(node, ast.Subscript):
        return None
    meaning = view.meaning_of(node.value)
    if not isinstance(meaning, str):
        return None
    package, _, last = meaning.rpartition(".")
    items = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    if package == "jaxtyping" and last in _DTYPES and len(items) == 2:
        return _with(_words(items[1]), _DTYPES[last])
    if package.startswith("torchtyping") and last == "TensorType":
        return _tensor_type(items)
    return _annotated_tensor(items) if last == "Annotated" and len(items) >= 2 else None


def _unquoted(node: ast.expr | None) -> ast.expr | None:
    """The expression in `x: "Float[Tensor, 'b 3 h w']"`; None where the string holds none."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return node
    tree = parse(node.value.strip(), "<annotation>")
    first = tree.body[0] if isinstance(tree, ast.Module) and tree.body else None
    return first.value if isinstance(first, ast.Expr) else None


def _annotated_tensor(items: list[ast.expr]) -> tuple[Sizes, str] | None:
    """`Annotated[Tensor, "b 3 h w"]`."""
    if not (dotted(items[0]) or "").endswith("Tensor"):
        return None
    words = _words(items[1])
    return _with(words, "float32") if words and _are_sizes(words) else None


def _words(node: ast.expr) -> list[str] | None:
    """The sizes of `"b 3 h w"`, `"b, 3, h, w"` and `("b", 3, 28, 28)`."""
    match node:
        case ast.Constant(value=str(text)):
            words = text.strip("()[] ").replace(",", " ").split()
            return [word.rpartition("=")[2] for word in words]
        case ast.Tuple(elts=items) | ast.List(elts=items) if all(isinstance(item, ast.Constant) for item in items):
            return [str(item.value) for item in items if isinstance(item, ast.Constant)]
        case _:
            return None


def _are_sizes(words: list[str]) -> bool:
    """Whether they are no prose: `Annotated[Tensor, "input image"]`."""
    return any(map(str.isdecimal, words)) or all(len(word) <= 2 or "_" in word for word in words)


def _tensor_type(items: list[ast.expr]) -> tuple[Sizes, str] | None:
    """`TensorType["batch", 3, 28, 28, float]`."""
    dtype = "float32"
    last = dotted(items[-1]) or ""
    if last:
        kind = last.rpartition(".")[2]
        dtype = _TYPES.get(kind, kind if kind in _DTYPES.values() else dtype)
        items = items[:-1]
    return _with(_words(ast.Tuple(elts=items, ctx=ast.Load())), dtype)


def _with(words: list[str] | None, dtype: str) -> tuple[Sizes, str] | None:
    if words is None or "_" in words:
        return None
    sizes = parse_sizes(words)
    return (sizes, dtype) if sizes else None
