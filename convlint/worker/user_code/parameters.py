"""What a constructor takes, also where it hands its arguments on to its base."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def parameters_of(target: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters of a function or class, and of the bases that `*args, **kwargs` are meant for.

    Raises TypeError or ValueError where there is no signature.
    """
    own = list(inspect.signature(target).parameters.values())
    found = {p.name: p for p in own if p.kind not in _VARIABLE}
    if not isinstance(target, type) or len(found) == len(own):
        return list(found.values())
    for base in target.__mro__[1:]:
        init = vars(base).get("__init__")
        if init is None or base.__module__.startswith("torch."):
            continue
        inherited = list(inspect.signature(init).parameters.values())[1:]
        found = {p.name: p for p in inherited if p.kind not in _VARIABLE} | found
        if not any(p.kind in _VARIABLE for p in inherited):
            break
    return list(found.values())


def required(target: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters without a default."""
    return [p for p in parameters_of(target) if p.default is p.empty]
