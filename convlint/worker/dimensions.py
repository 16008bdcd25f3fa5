"""Sizes of a run as facts: numbers, and formulas under the symbols' names."""

from __future__ import annotations

from collections.abc import Mapping

import sympy

from convlint.facts import Dim, TensorFact
from convlint.worker.formulas import formula
from convlint.worker.sizes import Size
from convlint.worker.torch_private import expr_of
from convlint.worker.tracer import TensorMeta


def dim(size: Size | sympy.Expr, names: Mapping[sympy.Symbol, str]) -> Dim:
    expr = size if isinstance(size, sympy.Basic) else expr_of(size)
    return int(expr) if expr.is_Integer else formula(expr, names)


def tensor_fact(meta: TensorMeta, names: Mapping[sympy.Symbol, str]) -> TensorFact:
    return TensorFact(shape=tuple(dim(size, names) for size in meta.shape), dtype=meta.dtype, device=meta.device)


def sizes_in_words(sizes: list[int], largest: int) -> str:
    """`28, 29`, `32..35`, `21 or more`, `multiples of 4 from 8`."""
    if not sizes:
        return "none"
    step = sizes[1] - sizes[0] if len(sizes) > 2 else 0
    regular = step > 0 and all(b - a == step for a, b in zip(sizes, sizes[1:], strict=False))
    if regular and sizes[-1] + step > largest:
        if step == 1:
            return f"{sizes[0]} or more"
        return f"multiples of {step} from {sizes[0]}" if sizes[0] % step == 0 else f"{sizes[0]} and every {step} more"
    runs: list[list[int]] = []
    for size in sizes:
        if runs and size == runs[-1][-1] + 1:
            runs[-1].append(size)
        else:
            runs.append([size])
    parts = [f"{run[0]}..{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs[:6]]
    return ", ".join(parts) + (", ..." if len(runs) > 6 else "")
