"""A layer for the side of a sum that skips the layers of the other one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from convlint.worker.analysis.edits.case import Candidate, EditCase, number
from convlint.worker.analysis.edits.pair import Operand, example_sizes
from convlint.worker.analysis.edits.syntax import SourceExpression, function_around, inserted, replaced, text_at
from convlint.worker.ops.convolution import CONVOLUTIONS
from convlint.worker.stack.parsed_file import expression_span, source_of


def shortcuts(case: EditCase, pair: tuple[Operand, Operand]) -> Iterator[Candidate]:
    """A convolution for the side that skips the layers of the other one."""
    for side, other in (pair, pair[::-1]):
        if side.layers or side.written is None or not other.layers:
            continue
        kinds = (type(one.meta["layer"]) for one in other.layers)
        kind = next((one for one in kinds if issubclass(one, CONVOLUTIONS)), None)
        channels = number(side.shape[1]), number(other.shape[1])
        if kind is None or None in channels:
            continue
        stride = _stride_between(case, side, other)
        if stride is not None:
            given = f"{channels[0]}, {channels[1]}, 1" + (f", stride={stride}" if stride > 1 else "")
            yield from _shortcut(case, side.written, kind.__name__, given)


def _stride_between(case: EditCase, side: Operand, other: Operand) -> int | None:
    """How many times larger one side is; None where its dims differ in that."""
    sizes = example_sizes(case)
    ratios = {
        round(int(a.xreplace(sizes)) / max(1, int(b.xreplace(sizes))))
        for a, b in zip(side.shape[2:], other.shape[2:], strict=True)
    }
    return ratios.pop() if len(ratios) == 1 else None


def _shortcut(case: EditCase, part: SourceExpression, kind: str, given: str) -> Iterator[Candidate]:
    """A new layer, made at the end of the constructor, and called on the operand."""
    block = str(case.node.meta["block"])
    module = case.built.model.get_submodule(block) if block else case.built.model
    forward = function_around(part.filename, part.node)
    init = _constructor_of(part, forward)
    prefix = _prefix(init, part.filename)
    if init is None or prefix is None or hasattr(module, "shortcut"):
        return
    last = init.body[-1]
    span = expression_span(part.filename, last)  # type: ignore[arg-type]
    line = f"{prefix}{kind}({given})"
    put = f"\n{' ' * last.col_offset}self.shortcut = {line}"
    made = inserted(part.filename, span.end_row, span.end_column, put)
    yield Candidate("shortcut", (made, replaced(part, f"self.shortcut({part.text})")), line, None, 1)


def _constructor_of(
    part: SourceExpression, forward: ast.FunctionDef | ast.AsyncFunctionDef | None
) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The `__init__` of the class whose method the operand is in."""
    source = source_of(part.filename)
    for node in ast.walk(source.tree) if source is not None else ():
        if isinstance(node, ast.ClassDef) and forward in node.body:
            return next((one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None)
    return None


def _prefix(init: ast.AST | None, filename: str) -> str | None:
    """How the constructor names torch's layers: `nn.`, `torch.nn.`."""
    for node in ast.walk(init) if init is not None else ():
        if isinstance(node, ast.Call):
            text = text_at(expression_span(filename, node.func))
            if text.startswith(("nn.", "torch.nn.")):
                return text[: text.index("nn.") + 3]
    return None
