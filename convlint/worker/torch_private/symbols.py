"""Sizes without a number: symbols, what torch knows of them, and what it asks about them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import sympy
import torch
from torch._guards import Source
from torch.fx.experimental import symbolic_shapes as _symbolic
from torch.overrides import handle_torch_function, has_torch_function_unary, resolve_name


class _Name(str):
    """A source's name: torch 2.13 reads an attribute, torch 2.11 calls a method."""

    __slots__ = ()

    def __call__(self) -> str:
        return str(self)


class _SymbolSource(Source):
    """Where a symbol comes from. torch wants one and only prints it."""

    def __init__(self, name: str) -> None:
        self.__dict__["name"] = _Name(name)

    def __hash__(self) -> int:
        return hash(self.__dict__["name"])

    def __eq__(self, other: object) -> bool:
        return self is other

    @property
    def _name_template(self) -> str:
        return str(self.__dict__["name"])


_NOWHERE = _symbolic.SLoc("", None)  # type: ignore[attr-defined]  # of None torch 2.11 would print the file


class SizeEnv(_symbolic.ShapeEnv):
    """A ShapeEnv that does not look up the Python stack for every guard: nobody reads that, and it costs a third."""

    def _get_stack_summary(self, *_: Any, **__: Any) -> Any:
        return _NOWHERE, ""

    def _get_sloc(self, *_: Any, **__: Any) -> Any:
        return _NOWHERE


def new_env() -> SizeEnv:
    """An environment in which two symbols with one hint stay two symbols."""
    return SizeEnv(duck_shape=False)


def new_symbol(env: SizeEnv, name: str, hint: int) -> tuple[int | torch.SymInt, sympy.Symbol]:
    """A size of at least 2 that is `hint` in this trace."""
    source = _SymbolSource(name)
    symbol = env.create_symbol(hint, source=source, dynamic_dim=_symbolic.DimDynamic.DYNAMIC)
    return env.create_symintnode(symbol, hint=hint, source=source), symbol


def guard_exprs(env: SizeEnv, start: int = 0) -> list[sympy.Basic]:
    """The conditions on symbols that the trace took as true, in their order, from the `start`-th."""
    return [guard.expr for guard in env.guards[start:]]


def guard_count(env: SizeEnv) -> int:
    return len(env.guards)


def expr_of(size: int | torch.SymInt) -> sympy.Expr:
    """The formula of a size, with the replacements that equalities of this trace brought."""
    if isinstance(size, torch.SymInt):
        return size.node.expr
    return sympy.Integer(size)


def hint_of(size: int | torch.SymInt) -> int | None:
    """The number that a size has in this trace; None for a size that depends on data."""
    if isinstance(size, torch.SymInt):
        hint = size.node.hint
        return None if hint is None else int(hint)
    return int(size)


@contextmanager
def undecided(decide: Callable[[FrameType], bool | None]) -> Iterator[None]:
    """Have a branch on a number that depends on data decided by whoever runs forward; None leaves it an error.

    `decide` is given the frame that asks for the truth of a comparison, which may be torch's own code.
    """
    original: Callable[[torch.SymBool], bool] = torch.SymBool.__bool__

    def truth(self: torch.SymBool) -> bool:
        try:
            return original(self)
        except _symbolic.GuardOnDataDependentSymNode:
            way = decide(sys._getframe(1))
            if way is None:
                raise
            return way

    torch.SymBool.__bool__ = truth  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.SymBool.__bool__ = original  # type: ignore[method-assign]


def keep_symbolic_kernels() -> None:
    """Let `F.avg_pool2d(x, x.size(2))` reach a trace with its symbol.

    torch's argument parser turns the SymInts of an int list into plain ints before any mode sees the call.
    """
    for rank in (1, 2, 3):
        name = f"avg_pool{rank}d"
        resolve_name(getattr(torch.nn.functional, name))  # torch looks names up once; the wrapper must not be it
        setattr(torch.nn.functional, name, _through_modes(getattr(torch.nn.functional, name)))


def _through_modes(original: Callable[..., Any]) -> Callable[..., Any]:
    def call(input: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        if has_torch_function_unary(input):
            return handle_torch_function(original, (input,), input, *args, **kwargs)
        return original(input, *args, **kwargs)

    call.__name__, call.__doc__ = original.__name__, original.__doc__
    return call


def hangs_on_data(error: BaseException) -> bool:
    """Whether code asked for a number that only the values of a tensor tell."""
    return isinstance(error, _symbolic.GuardOnDataDependentSymNode)
