"""A size as people write it: `64*((H-4)//2)*((W-4)//2)`, and the same with its numbers put in."""

from __future__ import annotations

from collections.abc import Mapping

import sympy

_SUM, _PRODUCT, _ATOM = range(3)
# torch's integer functions that have a plain Python spelling; the others print as calls.
_INFIX = {
    "FloorDiv": "//",
    "CleanDiv": "//",
    "Mod": "%",
    "PythonMod": "%",
    "IntTrueDiv": "/",
    "FloatTrueDiv": "/",
}
_TRANSPARENT = frozenset({"ToFloat"})  # a conversion that changes no number
_CALLS = {
    "Max": "max",
    "Min": "min",
    "FloorToInt": "floor",
    "CeilToInt": "ceil",
    "TruncToInt": "int",
    "RoundToInt": "round",
}


def formula(expr: sympy.Basic, names: Mapping[sympy.Symbol, str]) -> str:
    """The formula in its simplest form, each symbol under its name."""
    return _render(expr, names)[0]


def derivation(expr: sympy.Basic, values: Mapping[sympy.Symbol, int]) -> str | None:
    """`64 * ((28-4)//2) * ((28-4)//2) = 64 * 12 * 12 = 9216`; None where the formula is just a number."""
    if not expr.free_symbols or not expr.free_symbols <= set(values):
        return None
    result = str(expr.xreplace(_numbers(values)))
    numbers = {symbol: str(value) for symbol, value in values.items()}
    factors = _factors(expr)
    steps = [
        " * ".join(_parenthesised(factor, numbers, len(factors) > 1) for factor in factors),
        " * ".join(str(factor.xreplace(_numbers(values))) for factor in factors),
        result,
    ]
    distinct = list(dict.fromkeys(steps))
    return " = ".join(distinct) if len(distinct) > 1 else None


def _numbers(values: Mapping[sympy.Symbol, int]) -> dict[sympy.Basic, sympy.Basic]:
    return {symbol: sympy.Integer(value) for symbol, value in values.items()}


def _parenthesised(expr: sympy.Basic, names: Mapping[sympy.Symbol, str], inside: bool) -> str:
    text, level = _render(expr, names)
    return text if level == _ATOM or not inside else f"({text})"


def _render(expr: sympy.Basic, names: Mapping[sympy.Symbol, str]) -> tuple[str, int]:
    """The text, and how tightly it binds."""
    kind = type(expr).__name__
    if isinstance(expr, sympy.Symbol):
        return names.get(expr, str(expr)), _ATOM
    if not expr.args:
        return str(expr), _ATOM
    if isinstance(expr, sympy.Add):
        return _render_sum(expr, names)
    if isinstance(expr, sympy.Mul):
        return _render_product(_factors(expr), names), _PRODUCT
    if isinstance(expr, sympy.Pow):
        base, exponent = (_tight(arg, names) for arg in expr.args)
        return f"{base}**{exponent}", _PRODUCT
    if kind in _TRANSPARENT:
        return _render(expr.args[0], names)
    if kind in _INFIX:
        left, right = (_tight(arg, names) for arg in expr.args)
        return f"{left}{_INFIX[kind]}{right}", _PRODUCT
    arguments = ", ".join(_render(arg, names)[0] for arg in expr.args)
    return f"{_CALLS.get(kind, kind)}({arguments})", _ATOM


def _tight(expr: sympy.Basic, names: Mapping[sympy.Symbol, str]) -> str:
    text, level = _render(expr, names)
    return text if level == _ATOM else f"({text})"


def _factors(expr: sympy.Basic) -> list[sympy.Basic]:
    """The factors of a product, a common number first: `(16*(H//4) - 48)*w` is `16 * (H//4 - 3) * w`."""
    coefficient: sympy.Basic = sympy.Integer(1)
    factors: list[sympy.Basic] = []
    for factor in sympy.Mul.make_args(expr):
        if factor.is_Integer:
            coefficient *= factor
            continue
        content, rest = factor.as_content_primitive() if isinstance(factor, sympy.Add) else (1, factor)
        coefficient, factors = coefficient * content, [*factors, rest]
    return factors if coefficient == 1 and factors else [coefficient, *factors]


def _render_product(factors: list[sympy.Basic], names: Mapping[sympy.Symbol, str]) -> str:
    numbers = [factor for factor in factors if factor.is_number]
    others = sorted((f for f in factors if not f.is_number), key=lambda factor: _render(factor, names)[0])
    coefficient = sympy.Mul(*numbers)
    texts = [_tight(factor, names) for factor in others]
    if coefficient == -1:
        return "-" + "*".join(texts)
    return "*".join([str(coefficient), *texts] if coefficient != 1 or not texts else texts)


def _render_sum(expr: sympy.Add, names: Mapping[sympy.Symbol, str]) -> tuple[str, int]:
    under = _under_division(expr)
    if under is not None:  # whole numbers go under the division that they follow: `H//2 - 2` is `(H-4)//2`
        return f"{_tight(under[0], names)}//{under[1]}", _PRODUCT
    factors = _factors(expr)
    if len(factors) > 1:
        return _render_product(factors, names), _PRODUCT
    terms = sorted(expr.args, key=lambda term: (term.is_number, _render(term, names)[0]))
    negative = [term for term in terms if term.could_extract_minus_sign()]
    text = ""
    for term in [*(term for term in terms if term not in negative), *negative]:
        minus = term in negative and bool(text)
        text += ("-" if minus else "+" if text else "") + _render(-term if minus else term, names)[0]
    return text, _SUM


def _under_division(expr: sympy.Add) -> tuple[sympy.Expr, sympy.Integer] | None:
    """`(base, divisor)` of a sum that is one division and a number."""
    numbers = [arg for arg in expr.args if arg.is_Integer]
    rest = [arg for arg in expr.args if not arg.is_Integer]
    if len(numbers) != 1 or len(rest) != 1 or type(rest[0]).__name__ != "FloorDiv":
        return None
    base, divisor = rest[0].args
    return (sympy.expand(base + numbers[0] * divisor), divisor) if divisor.is_Integer else None
