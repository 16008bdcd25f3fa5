"""Images with something put around them."""

from __future__ import annotations

from collections.abc import Iterator

from convlint.ops.expression import operand
from convlint.ops.kind import Numbers, OperationKind
from convlint.ops.operation import Operation


def _padded(operation: Operation, _: Numbers) -> Iterator[tuple[int, str]]:
    pads, shape = operation.options.get("pad", operation.options.get("padding")), operation.inputs[0]
    if not isinstance(pads, tuple):
        pads = (pads,) * (2 * operation.spatial)
    for place in range(len(pads) // 2):
        index = -1 - place
        if -index <= len(shape) and any(pads[2 * place : 2 * place + 2]):
            yield index, f"{operand(shape[index])} + {pads[2 * place]} + {pads[2 * place + 1]}".replace("+ -", "- ")


_KINDS_OF_PADDING = ("Zero", "Constant", "Reflection", "Replication", "Circular")

KINDS = (
    OperationKind(
        "pad",
        layers=tuple(f"{kind}Pad" for kind in _KINDS_OF_PADDING),
        functions=("pad",),
        arguments=(None, "pad"),
        spatial=True,
        law=_padded,
        of_pixels=True,
    ),
)
