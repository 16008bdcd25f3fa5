"""What a reader should notice at a row: pixels that are lost, and sizes that do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from convlint.facts import Dim, Violation
from convlint.ops.expression import operand
from convlint.ops.operation import Operation
from convlint.ops.window import Window, unrounded

_WINDOWED: Final = frozenset({"conv", "max_pool", "avg_pool", "lp_pool"})
_NAMES: Final = {1: ("step",), 2: ("row", "column"), 3: ("plane", "row", "column")}


def remarks(operation: Operation) -> Iterator[str]:
    """Where pixels are lost: the last rows and columns that no window reaches."""
    moves = operation.windows() if operation.kind in _WINDOWED else ()
    if not moves or not operation.inputs or not operation.outputs:
        return
    lost: dict[tuple[Dim, Dim, int, str], list[str]] = {}
    divided: list[str] = []
    before, after = operation.inputs[0][-len(moves) :], operation.outputs[0][-len(moves) :]
    for name, size, result, window in zip(_NAMES[len(moves)], before, after, moves, strict=False):
        number = window.dropped(size) if isinstance(size, int) else 0
        if number and isinstance(size, int):
            lost.setdefault((size, result, number, unrounded(size, window)), []).append(name)
        elif isinstance(size, str) and _may_drop(window):
            divided.append(f"{_rest(size, window)} {name}s")
    for (size, result, number, why), names in lost.items():
        yield f"{size} -> {result}: {_dropped(names, number, len(moves))} by flooring ({why})"
    if divided:
        yield f"{' and '.join(divided)} are dropped by flooring"


def _may_drop(window: Window) -> bool:
    """Whether a window that moves by several pixels may leave the last ones out."""
    return window.stride > 1 and not window.padding and not window.ceil_mode


def _dropped(names: list[str], number: int, spatial: int) -> str:
    what = " and ".join(f"one {name}" if number == 1 else f"{number} {name}s" for name in names)
    verb = "is" if number == 1 and len(names) == 1 else "are"
    return f"{what}{' of pixels' if spatial == 2 else ''} {verb} dropped"


def _rest(size: str, window: Window) -> str:
    over = size if window.reach == window.stride else f"{size} - {window.reach}"
    return f"{operand(over)} % {window.stride}"


def problem(violation: Violation) -> str:
    """`in_features is 1600, but gets 9216: 64 * 12 * 12 = 9216`."""
    if violation.expected is None or violation.actual is None:
        return violation.detail or f"{violation.name} is not met"
    said = f"{violation.argument} is {violation.expected}" if violation.argument else f"needs {violation.expected}"
    said += f", but gets {violation.actual}"
    if violation.derivation or violation.formula not in (None, str(violation.actual)):
        said += f": {violation.derivation or violation.formula}"
    if violation.sizes:
        said += f"; it would fit for {violation.sizes}"
    return f"{said} ({violation.detail})" if violation.detail else said


def mismade(violation: Violation) -> str:
    """What is wrong with the arguments of a constructor."""
    return violation.detail or problem(violation)
