"""Operands of a loss in another shape or dtype."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

import sympy

from convlint.ops.losses import Loss, loss_named
from convlint.worker.analysis.edits.case import Candidate, EditCase
from convlint.worker.analysis.edits.layouts import moved, permutation
from convlint.worker.analysis.edits.syntax import SourceExpression, argument_of, replaced
from convlint.worker.trace.trail import Requirement

_SHAPES = ("loss_broadcast", "loss_shape", "class_axis", "loss_size")
_METHODS = {"int64": ("long()",), "float32": ("float()",), "float64": ("double()",), "float16": ("half()",)}

Shape = Sequence[sympy.Expr]


def losses(case: EditCase) -> Iterator[Candidate]:
    """What is to be tried on the two tensors that a loss compares."""
    requirement = case.requirement
    if not isinstance(requirement, Requirement):
        return
    if requirement.name == "loss_scalar":
        yield from _scalar(case)
        return
    loss = _loss_of(case)
    index = 2 if loss is not None and requirement.detail == loss.roles[-1] and len(loss.roles) > 2 else 1
    given = _operands(case, loss, index) if loss is not None else None
    if loss is None or given is None or len(case.inputs) <= index:
        return
    shapes = [case.inputs[0].formulas, case.inputs[index].formulas]
    if requirement.name == "loss_dtype":
        yield from _converted(given[1], requirement, is_one_hot=loss.reads_classes and shapes[0] == shapes[1])
    elif requirement.name == "class_axis":
        order = moved(len(shapes[0]), len(shapes[0]) - 1, 1)
        yield _layout(given[0], permutation(order))
    elif requirement.name in _SHAPES:
        yield from _of_one_shape(given, shapes, loss)


def _loss_of(case: EditCase) -> Loss | None:
    """The loss that a node calls, also by a layer whose class derives from one of torch."""
    names = [str(case.node.meta["name"]), *(kind.__name__ for kind in type(case.layer).__mro__)]
    return next((found for name in names if (found := loss_named(name)) is not None), None)


def _operands(case: EditCase, loss: Loss, index: int) -> list[SourceExpression] | None:
    """The expressions of the first role and of another one, where they are written in the call."""
    whole = case.written()
    if whole is None or not isinstance(whole.node, ast.Call):
        return None
    names = loss.forward if case.layer is not None else loss.parameters
    found = [argument_of(whole.node, name, names) for name in (names[0], names[index])]
    return [whole.part(one) for one in found if one is not None] if None not in found else None


def _of_one_shape(given: Sequence[SourceExpression], shapes: Sequence[Shape], loss: Loss) -> Iterator[Candidate]:
    """A dimension of 1 that goes, or one that is put in; for class numbers the largest score."""
    is_shorter = loss.reads_classes or loss.function == "cosine_embedding_loss"
    goals = [_without(shapes[0], 1), shapes[0]] if is_shorter else [shapes[0]]
    for here, there in ((1, 0), (0, 1)) if len(shapes[1]) > len(shapes[0]) or is_shorter else ((0, 1), (1, 0)):
        wanted = goals if here == 1 else [shapes[there]]
        for text in _methods(shapes[here], wanted):
            yield _layout(given[here], text)
    if loss.reads_classes and len(shapes[0]) == len(shapes[1]):
        yield _layout(given[1], ".argmax(1)")


def _methods(shape: Shape, goals: Sequence[Shape]) -> Iterator[str]:
    """`.squeeze(1)` and `.unsqueeze(1)`, where the shape is then one of the wanted."""
    for dim, size in enumerate(shape):
        if size == 1 and dim > 0 and any(list(_without(shape, dim)) == list(goal) for goal in goals):
            yield f".squeeze({dim})"
    for dim in range(1, len(shape) + 1):
        if any([*shape[:dim], sympy.Integer(1), *shape[dim:]] == list(goal) for goal in goals):
            yield f".unsqueeze({dim})"


def _without(shape: Shape, dim: int) -> Shape:
    return [*shape[:dim], *shape[dim + 1 :]]


def _layout(part: SourceExpression, method: str) -> Candidate:
    text = part.atom + method
    return Candidate("layout", (replaced(part, text),), text, None, 0)


def _converted(part: SourceExpression, requirement: Requirement, *, is_one_hot: bool) -> Iterator[Candidate]:
    methods = _METHODS.get(str(requirement.expected), ())
    for method in (*methods, "argmax(1)") if is_one_hot else methods:
        text = f"{part.atom}.{method}"
        yield Candidate("dtype", (replaced(part, text),), text, None, 0)


def _scalar(case: EditCase) -> Iterator[Candidate]:
    """`loss.mean().backward()`."""
    whole = case.written()
    if whole is not None and isinstance(whole.node, ast.Call) and isinstance(whole.node.func, ast.Attribute):
        part = whole.part(whole.node.func.value)
        text = f"{part.atom}.mean()"
        yield Candidate("layout", (replaced(part, text),), f"{text}.backward()", None, 0)
