"""Mutants that the oracle has not: a keyword, a method or a view of a tensor that somebody forgot."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from benchmarks.oracle.mutants import Mutant

_KEYWORDS = {
    "stride": "missing stride",
    "padding": "missing padding",
    "output_padding": "missing padding",
    "batch_first": "missing batch_first",
    "bidirectional": "missing bidirectional",
    "keepdim": "missing keepdim",
    "dim": "missing dim",
    "groups": "missing groups",
}
_METHODS = {
    "permute": "missing permute",
    "transpose": "missing transpose",
    "t": "missing transpose",
    "flatten": "missing flatten",
    "unsqueeze": "missing unsqueeze",
    "squeeze": "missing squeeze",
    "view": "missing view",
    "reshape": "missing view",
    "repeat": "missing repeat",
    "expand": "missing repeat",
}


def left_out(source: str, classes: Collection[str]) -> Iterator[Mutant]:
    """One mutant for each such keyword and each such method of these classes, one-line calls only."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and node.name in classes:
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and call.lineno == call.end_lineno:
                    yield from _of_call(source, call)


def _of_call(source: str, call: ast.Call) -> Iterator[Mutant]:
    text = ast.get_source_segment(source, call)
    if text is None:
        return
    for keyword in call.keywords:
        if keyword.arg in _KEYWORDS:
            others = [one for one in call.keywords if one is not keyword]
            yield from _replaced(source, call, ast.Call(call.func, call.args, others), _KEYWORDS[keyword.arg])
    if isinstance(call.func, ast.Attribute) and call.func.attr in _METHODS and not _is_of_torch(call.func.value):
        yield from _replaced(source, call, call.func.value, _METHODS[call.func.attr])


def _is_of_torch(node: ast.expr) -> bool:
    """`torch.flatten(x)` and `self.flatten(x)`: a function or a layer, not a method of a tensor."""
    return isinstance(node, ast.Name) and node.id in ("torch", "F", "np", "nn", "einops", "self")


def _replaced(source: str, old: ast.Call, new: ast.expr, kind: str) -> Iterator[Mutant]:
    lines = source.split("\n")
    line = lines[old.lineno - 1]
    if not line.isascii():
        return
    after = ast.unparse(new)
    lines[old.lineno - 1] = line[: old.col_offset] + after + line[old.end_col_offset :]
    yield Mutant(kind, old.lineno, ast.unparse(old.func), "\n".join(lines), ast.unparse(old), after)
