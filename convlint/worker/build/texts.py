"""The texts that a file compares its names with: what `mode` or `self.task_name` may be."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import lru_cache

from convlint.worker.user_code.source import tree_of


@lru_cache(maxsize=64)
def texts_of(filename: str) -> Mapping[str, tuple[str, ...]]:
    """For each name, or attribute of any object, the texts in comparisons such as `mode == "sum"`, in their order."""
    found: dict[str, dict[str, None]] = {}
    tree = tree_of(filename)
    for node in ast.walk(tree) if tree is not None else ():
        match node:
            case ast.Compare(left=left, comparators=[right]):
                for name, texts in ((_name(left), _texts(right)), (_name(right), _texts(left))):
                    if name is not None:
                        found.setdefault(name, {}).update(dict.fromkeys(texts))
            case ast.Match(subject=subject, cases=cases) if (name := _name(subject)) is not None:
                for case in cases:
                    values = (inner for inner in ast.walk(case.pattern) if isinstance(inner, ast.MatchValue))
                    found.setdefault(name, {}).update(dict.fromkeys(t for v in values for t in _texts(v.value)))
            case _:
                pass
    return {name: tuple(texts) for name, texts in found.items() if texts}


def _name(node: ast.expr) -> str | None:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=ast.Attribute(value=value, attr="lower" | "upper" | "strip")):
            return _name(value)
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case _:
            return None


def _texts(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            for part in parts:
                yield from _texts(part)
        case _:
            pass
