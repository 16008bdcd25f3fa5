"""Operands of products and joins, and the types of inputs: a transpose, another order, another dim, a conversion."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from convlint.worker.analysis.edits.case import Candidate, EditCase
from convlint.worker.analysis.edits.syntax import SourceExpression, argument_of, inserted, one_line, replaced
from convlint.worker.trace.trail import Requirement

_PRODUCTS = frozenset(
    {"torch.matmul", "torch.Tensor.matmul", "torch.bmm", "torch.Tensor.bmm", "torch.mm", "torch.Tensor.mm"}
)
_JOINS = frozenset({"torch.cat", "torch.concat", "torch.concatenate"})


def operands(case: EditCase) -> Iterator[Candidate]:
    """What is to be tried on the operands of one call."""
    requirement = case.requirement
    if not isinstance(requirement, Requirement):
        return
    if requirement.name == "matmul" and case.node.meta["name"] in _PRODUCTS:
        yield from _products(case)
    elif requirement.name == "concat" and case.node.meta["name"] in _JOINS:
        yield from _joined(case)
    elif requirement.name in ("dtype", "mixed_dtype", "index_dtype"):
        yield from _converted(case, requirement)


def operand_expressions(case: EditCase) -> list[SourceExpression]:
    """The expressions of the tensors that a call combines, in their order; none where they are not written there."""
    whole = case.written()
    if whole is None:
        return []
    if whole.operands:
        return [whole.part(one) for one in whole.operands]
    return _given_to(whole, whole.node, case) if isinstance(whole.node, ast.Call) else []


def _given_to(whole: SourceExpression, call: ast.Call, case: EditCase) -> list[SourceExpression]:
    """The items of a join, the arguments of a function, the object and the arguments of a method."""
    if case.node.meta["name"] in (*_JOINS, "torch.stack"):
        given = argument_of(call, "tensors", ("tensors",))
        return [whole.part(one) for one in given.elts] if isinstance(given, ast.List | ast.Tuple) else []
    parts, method = call.args, call.func
    if case.node.op == "call_method" and isinstance(method, ast.Attribute) and method.attr == case.node.target:
        parts = [method.value, *parts]
    return [] if any(isinstance(part, ast.Starred) for part in parts) else [whole.part(part) for part in parts]


def _products(case: EditCase) -> Iterator[Candidate]:
    found = operand_expressions(case)
    if len(found) < 2:
        return
    left, right = found[:2]
    ranks = [len(meta.shape) for meta in case.inputs[:2]]
    for part, rank in ((right, ranks[1]), (left, ranks[0])):
        if rank >= 2:
            text = f"{part.atom}.transpose(-2, -1)" if rank > 2 else f"{part.atom}.T"
            yield Candidate("layout", (replaced(part, text),), text, None, 0)
    changes = (replaced(left, right.atom), replaced(right, left.atom))
    whole = case.written()
    if whole is not None and whole.operator is not None:
        code = f"{right.atom} {whole.operator} {left.atom}"
        yield Candidate("order", changes, code, None, 0)


def _joined(case: EditCase) -> Iterator[Candidate]:
    """Another dim for `torch.cat`, where the others agree there."""
    whole = case.written()
    if whole is None or not isinstance(whole.node, ast.Call):
        return
    shapes = [meta.formulas for meta in case.inputs]
    if len({len(shape) for shape in shapes}) != 1:
        return
    rank = len(shapes[0])
    differing = [dim for dim in range(rank) if len({shape[dim] for shape in shapes}) > 1]
    given = argument_of(whole.node, "dim", ("tensors", "dim")) or argument_of(whole.node, "axis", ())
    if len(differing) != 1:
        return
    text = str(differing[0])
    if given is not None:
        part = whole.part(given)
        start, end = whole.text.rpartition(part.text)[::2]
        yield Candidate("dim", (replaced(part, text),), one_line(f"{start}{text}{end}", f"dim={text}"), whole.span, 1)
        return
    span = whole.span
    change = inserted(whole.filename, span.end_row, span.end_column - 1, f", dim={text}")
    yield Candidate("dim", (change,), one_line(f"{whole.text[:-1]}, dim={text})", f"dim={text}"), span, 1)


def _converted(case: EditCase, requirement: Requirement) -> Iterator[Candidate]:
    whole = case.written()
    if whole is None or not isinstance(whole.node, ast.Call) or not whole.node.args:
        return
    given = whole.part(whole.node.args[0])
    methods = {"float32": "float()", "float64": "double()", "float16": "half()", "bfloat16": "bfloat16()"}
    method = "long()" if requirement.name == "index_dtype" else methods.get(str(requirement.expected))
    if method is not None:
        text = f"{given.atom}.{method}"
        yield Candidate("dtype", (replaced(given, text),), text, None, 1)
