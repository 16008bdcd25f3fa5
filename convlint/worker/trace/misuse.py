"""Calls of torch that no values of their operands make valid: a missing argument, a keyword that is not known."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from types import FrameType, ModuleType
from typing import Any

import numpy as np
import torch

from convlint.worker.stack.parsed_file import call_at, node_position
from convlint.worker.stack.places import FramePlace, Position
from convlint.worker.torch_private.fake import outside_modes

_MOST_OPEN = 2
"""Operands that are not constants, for all of which values are tried."""
_RANKS = (2, 1, 3, 0, 4)
_DTYPES = (torch.float32, torch.int64, torch.bool)


def is_invalid_for_all(
    frame: FrameType, place: FramePlace, is_computed: Callable[[Any], bool], made_last: Position | None
) -> bool:
    """Whether a frame calls a function of torch, or a method of a tensor, that refuses whatever the operands are.

    torch itself is asked: the call is repeated with tensors of every rank and with other values for what is not a
    constant in the code. What calls of torch made is always a tensor: `is_computed` says so of a value, and `made_last`
    is the expression of the last such call.
    """
    call = _plain_call(place)
    if call is None:
        return False
    function = _function(call.func, frame)
    receivers: Sequence[Any] = ()
    if function is None and isinstance(call.func, ast.Attribute):
        owner = call.func.value
        is_certain = isinstance(owner, ast.Call) and node_position(owner) == made_last
        function, receivers = _method(call.func, frame, lambda value: is_certain or is_computed(value))
    return function is not None and _is_refused(function, receivers, call)


def cannot_bind(place: FramePlace | None, layer: torch.nn.Module | None) -> bool:
    """Whether the code calls a layer of torch with so many arguments, or such names, that its forward has not."""
    call = _plain_call(place) if place is not None and layer is not None else None
    if call is None or layer is None:
        return False
    try:
        inspect.signature(layer.forward).bind(*call.args, **{str(one.arg): None for one in call.keywords})
    except TypeError:
        return True
    return False


def _plain_call(place: FramePlace) -> ast.Call | None:
    """The call that a frame was making, if its arguments are all written out."""
    call = call_at(place)
    if call is None or any(isinstance(one, ast.Starred) for one in call.args):
        return None
    return None if any(keyword.arg is None for keyword in call.keywords) else call


def _is_refused(function: Callable[..., Any], receivers: Sequence[Any], call: ast.Call) -> bool:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    choices = [_values(one) for one in given]
    if sum(len(one) > 1 for one in choices) > _MOST_OPEN:
        return False
    names = [str(keyword.arg) for keyword in call.keywords]
    own = [receivers] if receivers else []
    count = len(own) + len(call.args)
    return all(
        _raises_type_error(function, values[:count], dict(zip(names, values[count:], strict=True)))
        for values in product(*own, *choices)
    )


def _function(node: ast.expr, frame: FrameType) -> Callable[..., Any] | None:
    """The function of torch that a dotted name stands for."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id in frame.f_locals:
        return None
    value: Any = frame.f_globals.get(node.id)
    for name in names:
        value = getattr(value, name, None) if isinstance(value, ModuleType) else None
    is_torch = str(getattr(value, "__module__", None) or "torch").partition(".")[0] == "torch"
    return value if callable(value) and is_torch and not isinstance(value, type) and _is_public(value) else None


def _is_public(function: Any) -> bool:
    """Whether torch knows a function under its name: a wrapper of the user's has another one."""
    name = str(getattr(function, "__name__", ""))
    return any(getattr(module, name, None) is function for module in (torch, torch.nn.functional))


def _method(
    func: ast.Attribute, frame: FrameType, is_computed: Callable[[Any], bool]
) -> tuple[Callable[..., Any] | None, Sequence[Any]]:
    """A tensor's method, and what it may be called on: arrays as well, where calls of torch did not make the tensor."""
    name = func.attr
    match func.value:
        case ast.Name(id=owner) if isinstance(frame.f_locals.get(owner), torch.Tensor):
            is_certain = is_computed(frame.f_locals[owner])
        case ast.Call():
            is_certain = is_computed(None)
        case _:
            return None, ()
    if not hasattr(torch.Tensor, name):
        return None, ()

    def called(owner: Any, *args: Any, **kwargs: Any) -> Any:
        method = getattr(owner, name, None)
        if method is None:
            raise TypeError(name)
        return method(*args, **kwargs)

    return called, [*_tensors(), *([] if is_certain else _arrays())]


def _values(node: ast.expr) -> Sequence[Any]:
    """A constant's own value, else values of every kind that torch takes."""
    try:
        return [ast.literal_eval(node)]
    except (ValueError, TypeError, SyntaxError):
        if isinstance(node, ast.Tuple | ast.List):
            return [[1, 1], (1,), (0, 1), [], *([one, one] for one in _tensors())]
        return [*_tensors(), 1, 0, 0.5, True, None, (0,), (1, 1), torch.float32, "sum", slice(None)]


def _tensors() -> list[torch.Tensor]:
    with outside_modes():
        return [torch.ones((1,) * rank, dtype=dtype) for dtype in _DTYPES for rank in _RANKS]


def _arrays() -> list[Any]:
    with outside_modes():
        return [one.numpy() for one in _tensors()]


def _raises_type_error(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether the arguments are of kinds that no form of the function has; it may refuse their values otherwise."""
    with outside_modes(), torch.no_grad(), np.errstate(all="ignore"):
        try:
            function(*args, **kwargs)
        except TypeError:
            return True
        except Exception:
            return False
    return False
