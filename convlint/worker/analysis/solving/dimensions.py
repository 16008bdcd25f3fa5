"""Sizes of a run as facts: numbers, and formulas under the symbols' names."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Literal

import sympy

from convlint.facts import Dim, TensorFact
from convlint.worker.analysis.solving.formulas import formula
from convlint.worker.torch_private.symbols import expr_of
from convlint.worker.trace.trace import TensorMeta
from convlint.worker.values.sizes import Size

SHOWN = 12
"""Sizes that a list shows."""


def dim(size: Size | sympy.Expr, names: Mapping[sympy.Symbol, str]) -> Dim:
    expr = size if isinstance(size, sympy.Basic) else expr_of(size)
    return int(expr) if expr.is_Integer else formula(expr, names)


def tensor_fact(meta: TensorMeta, names: Mapping[sympy.Symbol, str]) -> TensorFact:
    return TensorFact(shape=tuple(dim(size, names) for size in meta.shape), dtype=meta.dtype, device=meta.device)


def form_of(sizes: list[int], largest: int) -> Literal["endless", "range", "list"]:
    """Whether sizes go on by the same step up to `largest`, are all between two numbers, or are neither."""
    step = _step(sizes)
    if step > 0 and sizes[-1] + step > largest:
        return "endless"
    return "range" if step == 1 else "list"


def sizes_in_words(sizes: list[int], largest: int) -> str:
    """`in {28, 29}`, `in 32..35`, `at least 21`, `a multiple of 4`; what holds up to `largest` goes on."""
    form = form_of(sizes, largest)
    if form == "endless":
        return _endless(sizes[0], _step(sizes))
    if form == "range":
        return f"in {sizes[0]}..{sizes[-1]}"
    few = ", ".join(map(str, sizes[:SHOWN]))
    return "in {" + few + (", ..." if len(sizes) > SHOWN else "") + "}"


def _step(sizes: list[int]) -> int:
    """The step from each size to the next; 0 where there is none, or more than one."""
    step = sizes[1] - sizes[0] if len(sizes) > 2 else 0
    return step if all(b - a == step for a, b in pairwise(sizes)) else 0


def _endless(least: int, step: int) -> str:
    if step == 1:
        return f"at least {least}"
    if least % step:
        return f"{least} and every {step} more"
    return f"a multiple of {step}{f' from {least}' if least > step else ''}"
