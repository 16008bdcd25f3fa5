"""Where the arguments of constructors come from: from a number back to the call that gave it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import lru_cache

from convlint.worker.stack.parsed_file import call_at, function_of
from convlint.worker.stack.places import FramePlace


def argument_places(chain: Sequence[FramePlace], argument: str, names: Sequence[str]) -> Iterator[tuple[str, ast.expr]]:
    """The expressions a constructor argument came through, from the constructor's call outwards.

    `chain` are the frames from the constructor's caller outwards, `names` the constructor's positional
    parameters without `self`. A parameter of a helper is followed to the helper's call, as long as the helper
    hands it on untouched.
    """
    wanted, parameters = argument, list(names)
    for place in chain:
        call = call_at(place)
        expression = _bound(call, wanted, parameters) if call is not None else None
        if expression is None:
            return
        yield place.code.co_filename, expression
        function = function_of(place.code)
        if function is None or not isinstance(expression, ast.Name):
            return
        parameters = _parameters(function)
        keywords = [arg.arg for arg in function.args.kwonlyargs]
        if expression.id not in [*parameters, *keywords] or expression.id in _assigned(function):
            return
        wanted = expression.id


def is_reckoned_with(chain: Sequence[FramePlace], argument: str, names: Sequence[str]) -> bool:
    """Whether a helper that hands the argument on also makes other numbers of it, as in `width + 16`."""
    places = argument_places(chain, argument, names)
    helpers = (function_of(place.code) for place in chain)
    return any(
        isinstance(expression, ast.Name) and function is not None and expression.id in _reckoned(function)
        for (_, expression), function in zip(places, helpers, strict=False)
    )


@lru_cache(maxsize=4096)
def _reckoned(function: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[str]:
    """The names that a function reads elsewhere than as whole arguments of calls."""
    whole: set[int] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            whole.update(map(id, (*node.args, *(keyword.value for keyword in node.keywords))))
    names = (node for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    return frozenset(node.id for node in names if id(node) not in whole)


def default_of(place: FramePlace, name: str) -> ast.expr | None:
    """The default of a parameter of the function that a frame is in."""
    function = function_of(place.code)
    return default_in(function, name) if function is not None else None


def default_in(function: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> ast.expr | None:
    """The default of one of its parameters."""
    args = function.args
    positional = [*args.posonlyargs, *args.args]
    given = zip(positional[len(positional) - len(args.defaults) :], args.defaults, strict=True)
    named = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    return next((default for arg, default in (*given, *named) if arg.arg == name), None)


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Positional parameters as a caller counts them: bound calls do not name `self`."""
    names = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def _bound(call: ast.Call, name: str, parameters: Sequence[str]) -> ast.expr | None:
    """The expression that a call gives to the parameter `name`; None where a default or a star gives it."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if name not in parameters:
        return None
    index = list(parameters).index(name)
    given = call.args[: index + 1]
    if len(given) <= index or any(isinstance(arg, ast.Starred) for arg in given):
        return None
    return given[index]


@lru_cache(maxsize=4096)
def _assigned(function: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[str]:
    """The names that a function binds again."""
    return frozenset(
        node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )
