"""Tensors that are put together."""

from __future__ import annotations

from collections.abc import Iterator

from convlint.ops.expression import operand
from convlint.ops.kind import Numbers, OperationKind
from convlint.ops.operation import Operation


def _concatenated(operation: Operation, _: Numbers) -> Iterator[tuple[int, str]]:
    rank = len(operation.outputs[0])
    given = operation.number("dim") or 0
    index = given if given < 0 else given - rank
    if len(operation.inputs) > 1 and -rank <= index < 0 and all(len(shape) == rank for shape in operation.inputs):
        yield index, " + ".join(operand(shape[index]) for shape in operation.inputs)


def _concatenation(operation: Operation) -> str | None:
    return f"puts {len(operation.inputs)} tensors one behind the other"


KINDS = (
    OperationKind(
        "cat",
        functions=("cat", "concat", "concatenate"),
        arguments=(None, "dim"),
        law=_concatenated,
        meaning=_concatenation,
    ),
    OperationKind("stack", functions=("stack",), arguments=(None, "dim")),
)
