"""Where each size of an output comes from: one law for each kind of operation, with its numbers put in.

The laws are those of the PyTorch documentation. Each is worked out again and held against the size that the trace
gave; one that does not agree is not told.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from convlint.explain.reshapes import equation, regrouped
from convlint.facts import Dim
from convlint.ops.expression import symbols, work_out
from convlint.ops.kind import Numbers
from convlint.ops.operation import Operation, Shape
from convlint.ops.registry import kind_named


@dataclass(frozen=True, slots=True)
class LayerFormula:
    name: str  # what it gives: "height and width", "parameters"
    text: str  # "(28 + 2*2 - 5)//1 + 1 = 28"


def sizes(operation: Operation, numbers: Numbers) -> tuple[LayerFormula, ...]:
    """The formulas of an operation's output, those of the same text together."""
    if operation.kind == "reshape":
        return _reshaped(operation, numbers)
    kind = kind_named(operation.kind)
    if kind.law is None or not operation.inputs or not operation.outputs:
        return ()
    output = operation.outputs[0]
    found: dict[str, list[str]] = {}
    for index, text in kind.law(operation, numbers):
        if _agrees(text, output[index], numbers):
            line = f"{text} = {output[index]}{_at_example(text, output[index], numbers)}"
            found.setdefault(line, []).append(_name(index, output, kind.of_pixels))
    return _merged([LayerFormula(listed(names), line) for line, names in found.items()])


def _merged(formulas: Sequence[LayerFormula]) -> tuple[LayerFormula, ...]:
    """Height and width as one where they differ in nothing but H and W."""
    if len(formulas) == 2 and re.sub(r"\bH\b", "W", formulas[0].text) == formulas[1].text:
        return (LayerFormula(formulas[0].name, f"{formulas[0].text}, and the {formulas[1].name} alike"),)
    return tuple(formulas)


def _agrees(text: str, size: Dim, numbers: Numbers) -> bool:
    """Whether a text gives the size that was traced."""
    worked_out = [(work_out(text, values), work_out(size, values)) for values in numbers.samples]
    return all(one is not None and one == other for one, other in worked_out)


def _at_example(text: str, size: Dim, numbers: Numbers) -> str:
    """` (12 for H = 28)` after a formula in symbols."""
    used = sorted(symbols(text) & set(numbers.example))
    known = work_out(size, numbers.example)
    if not used or known is None:
        return ""
    return f" ({known} for {_given(used, numbers)})"


def _given(names: Sequence[str], numbers: Numbers) -> str:
    return ", ".join(f"{name} = {numbers.example[name]}" for name in names)


def _name(index: int, shape: Shape, over_pixels: bool) -> str:
    """What the size at this index, counted from the end, is called."""
    rank = len(shape)
    if rank >= 4 and index == 1 - rank:
        return "channels"
    names = _PIXELS.get(rank, ()) if over_pixels else ()
    if -index <= len(names):
        return names[index]
    return "features" if index == -1 else f"size {rank + index + 1} of {rank}"


def listed(names: Sequence[str]) -> str:
    """`depth, height and width`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _reshaped(operation: Operation, numbers: Numbers) -> tuple[LayerFormula, ...]:
    if len(operation.inputs) != 1 or len(operation.outputs) != 1:
        return ()
    found: list[LayerFormula] = []
    for group in regrouped(operation.inputs[0], operation.outputs[0], numbers.samples):
        before, after = group
        line = equation(group)
        used = sorted(symbols(line.replace("=", "+")) & set(numbers.example))
        known = [work_out(size, numbers.example) for size in before]
        if used and all(number is not None for number in known):
            product = math.prod(number for number in known if number is not None)
            line += f" ({' * '.join(map(str, known))} = {product} for {_given(used, numbers)})"
        found.append(LayerFormula("joined" if len(after) == 1 else "split" if len(before) == 1 else "regrouped", line))
    return tuple(found)


_PIXELS: Final = {3: ("length",), 4: ("height", "width"), 5: ("depth", "height", "width")}
