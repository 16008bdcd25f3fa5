"""Conditions on sizes, as sympy values: what a requirement demands, without asking torch for a guard."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import sympy
import torch

from convlint.worker.torch_private.symbols import expr_of

Size = int | torch.SymInt


def equal(a: Size, b: Size) -> sympy.Basic:
    left, right = expr_of(a), expr_of(b)
    if left == right:
        return sympy.true
    difference = sympy.expand(left - right)
    if difference.is_Integer:
        return sympy.true if difference == 0 else sympy.false
    return sympy.Eq(left, right, evaluate=False)


def at_least(a: Size, minimum: Size) -> sympy.Basic:
    difference = sympy.expand(expr_of(a) - expr_of(minimum))
    if difference.is_Integer:
        return sympy.true if int(difference) >= 0 else sympy.false
    return sympy.Ge(expr_of(a), expr_of(minimum))


def divides(divisor: Size, a: Size) -> sympy.Basic:
    """`divisor` goes into `a` without rest."""
    if isinstance(a, int) and isinstance(divisor, int):
        return sympy.true if divisor and a % divisor == 0 else sympy.false
    top, bottom = expr_of(a), expr_of(divisor)
    if _has_factor(top, bottom) or _has_factor(sympy.factor_terms(top), bottom):
        return sympy.true
    if top.is_Integer and bottom.is_Integer:
        return sympy.true if bottom != 0 and top % bottom == 0 else sympy.false
    # Not evaluated: sympy 1.14 takes (6*a - 42)*(b - 7)*(c - 7) for a multiple of 90.
    return sympy.Eq(sympy.Mod(top, bottom, evaluate=False), 0, evaluate=False)


def shared_out(size: Size, parts: int) -> Size | None:
    """The size, if it can be shared out evenly: with another one the constructor would raise."""
    return None if divides(parts, size) is sympy.false else size


def _has_factor(product: sympy.Expr, factor: sympy.Expr) -> bool:
    """Whether every factor of `factor` is in `product`: enough for `B*16*h` by `16*h`."""
    left = sympy.Mul.make_args(product)
    coefficient, rest = factor.as_coeff_Mul()
    own, _ = product.as_coeff_Mul()
    if not coefficient.is_Integer or not own.is_Integer or int(coefficient) == 0 or int(own) % int(coefficient):
        return False
    remaining = list(left)
    for part in sympy.Mul.make_args(rest):
        if part == 1:
            continue
        if part not in remaining:
            return False
        remaining.remove(part)
    return True


def broadcasts(a: Size, b: Size) -> sympy.Basic:
    """Two sizes fit together elementwise: equal, or one of them is 1."""
    if isinstance(a, int) and isinstance(b, int):
        return sympy.true if a in (b, 1) or b == 1 else sympy.false
    if a is b or (isinstance(a, int) and a == 1) or (isinstance(b, int) and b == 1):
        return sympy.true
    same = equal(a, b)
    if same is sympy.true:
        return sympy.true
    ones = [sympy.Eq(expr_of(size), 1) for size in (a, b) if not isinstance(size, int)]
    return sympy.Or(same, *ones)


def product(sizes: Iterable[Size]) -> Size:
    return math.prod(sizes)


def holds_at(condition: sympy.Basic, hints: Mapping[sympy.Basic, sympy.Basic]) -> bool:
    """Whether the condition is true at the sizes of this trace."""
    if condition in (sympy.true, sympy.false):
        return bool(condition)
    return bool(condition.xreplace(dict(hints)).doit() == sympy.true)
