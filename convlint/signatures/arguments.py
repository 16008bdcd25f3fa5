"""Parameters of a function as Python writes them: `q, k, v, causal=False, *, scale=None`."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from functools import lru_cache
from inspect import Parameter


class ArgumentsError(ValueError):
    """Parameters that cannot be read."""


@lru_cache(maxsize=4096)
def parse_arguments(text: str) -> inspect.Signature:
    """Defaults are literals. Raises ArgumentsError."""
    try:
        (definition,) = ast.parse(f"def _({text}\n): pass").body
    except (SyntaxError, ValueError) as error:
        raise ArgumentsError(f'"{text}" is not a list of parameters such as "x, dim=-1"') from error
    if not isinstance(definition, ast.FunctionDef) or len(definition.body) != 1:
        raise ArgumentsError(f'"{text}" is not a list of parameters such as "x, dim=-1"')
    return inspect.Signature(list(_parameters(definition.args)))


def _parameters(given: ast.arguments) -> Iterator[Parameter]:
    plain = [*given.posonlyargs, *given.args]
    missing = len(plain) - len(given.defaults)
    for i, argument in enumerate(plain):
        kind = Parameter.POSITIONAL_ONLY if i < len(given.posonlyargs) else Parameter.POSITIONAL_OR_KEYWORD
        yield Parameter(argument.arg, kind, default=_default(given.defaults[i - missing]) if i >= missing else _NONE)
    if given.vararg is not None:
        yield Parameter(given.vararg.arg, Parameter.VAR_POSITIONAL)
    for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield Parameter(argument.arg, Parameter.KEYWORD_ONLY, default=_NONE if default is None else _default(default))
    if given.kwarg is not None:
        yield Parameter(given.kwarg.arg, Parameter.VAR_KEYWORD)


_NONE = Parameter.empty


def _default(node: ast.expr) -> object:
    try:
        value: object = ast.literal_eval(node)
    except ValueError as error:
        raise ArgumentsError(f"the default {ast.unparse(node)} is not a literal") from error
    return value
