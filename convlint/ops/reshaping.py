"""The same numbers in another shape, and windows laid out as columns."""

from __future__ import annotations

from collections.abc import Iterator

from convlint.ops.argument import LayerArgument
from convlint.ops.expression import operand
from convlint.ops.kind import Numbers, OperationKind
from convlint.ops.operation import Operation


def _unfolded(operation: Operation, _: Numbers) -> Iterator[tuple[int, str]]:
    kernel, shape = operation.options.get("kernel_size"), operation.inputs[0]
    kernels = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    if len(shape) >= 3 and all(isinstance(size, int) for size in kernels):
        yield -2, f"{operand(shape[-3])} * {' * '.join(map(str, kernels))}"


KINDS = (
    OperationKind(
        "reshape",
        layers=("Flatten", "Unflatten"),
        functions=("reshape", "view", "flatten", "unflatten"),
        declares=(
            LayerArgument(
                "start_dim", "size {} of the input is the first that is joined, counted from 0 (0 is the batch)"
            ),
            LayerArgument("end_dim", "the last size that is joined; -1 is the last of all"),
        ),
    ),
    OperationKind("unfold", layers=("Unfold",), functions=("unfold",), law=_unfolded),
)
