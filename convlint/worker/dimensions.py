"""Sizes of a run as facts: numbers, and formulas under the symbols' names."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import sympy

from convlint.facts import Dim, TensorFact
from convlint.worker.deciding.formulas import formula
from convlint.worker.sizes import Size
from convlint.worker.torch_private.symbols import expr_of
from convlint.worker.trace import TensorMeta


def dim(size: Size | sympy.Expr, names: Mapping[sympy.Symbol, str]) -> Dim:
    expr = size if isinstance(size, sympy.Basic) else expr_of(size)
    return int(expr) if expr.is_Integer else formula(expr, names)


def tensor_fact(meta: TensorMeta, names: Mapping[sympy.Symbol, str]) -> TensorFact:
    return TensorFact(shape=tuple(dim(size, names) for size in meta.shape), dtype=meta.dtype, device=meta.device)


def sizes_in_words(sizes: list[int], largest: int) -> str:
    """`in {28, 29}`, `in 32..35`, `at least 21`, `a multiple of 4`; what holds up to `largest` goes on."""
    if not sizes:
        return "in {}"
    step = sizes[1] - sizes[0] if len(sizes) > 2 else 0
    regular = step > 0 and all(b - a == step for a, b in pairwise(sizes))
    if regular and sizes[-1] + step > largest:
        if step == 1:
            return f"at least {sizes[0]}"
        known = sizes[0] % step == 0
        least = f" from {sizes[0]}" if sizes[0] > step else ""
        return f"a multiple of {step}{least}" if known else f"{sizes[0]} and every {step} more"
    if regular and step == 1:
        return f"in {sizes[0]}..{sizes[-1]}"
    few = ", ".join(map(str, sizes[:12]))
    return "in {" + few + (", ..." if len(sizes) > 12 else "") + "}"
