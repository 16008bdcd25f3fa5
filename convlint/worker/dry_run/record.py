"""What a dry run keeps of a program: the models that it calls, its losses, and what it raises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import nn

from convlint.facts import Reason, Span
from convlint.inputspec import InputSpec


class CallError(NamedTuple):
    """An exception that a call ended with."""

    kind: str  # "RuntimeError"
    message: str
    at: Span | None  # the innermost line of the user's


@dataclass
class ModelCall:
    """One call of a module from outside of all modules."""

    module: nn.Module
    at: Span  # the call in the program
    names: tuple[str, ...]  # of the arguments that are not known
    positional: tuple[InputSpec, ...] | None  # None: an argument that no input can be
    keywords: tuple[InputSpec, ...]
    training: bool
    doubt: Reason | None  # why it may not be what the program does
    options: tuple[tuple[str, Any], ...] = ()  # those of the command line that it is made under
    owner: nn.Module | None = None  # the module whose method makes the call
    raised: CallError | None = None
    is_partial: bool = False  # not all arguments are known: forward has defaults for the others
    is_followed: bool = True  # False: it depends on contents, so that what it gives is unknown

    @property
    def inputs(self) -> tuple[InputSpec, ...] | None:
        return None if self.positional is None else (*self.positional, *self.keywords)


@dataclass
class ProgramCall:
    """One call of a loss, a metric or another function of torch in the program, or of a layer of torch itself."""

    function: Callable[..., Any]
    name: str  # "torch.nn.functional.mse_loss"
    at: Span
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    doubt: Reason | None
    options: tuple[tuple[str, Any], ...] = ()
    raised: CallError | None = None
    shapes: tuple[tuple[int, ...], ...] = ()


@dataclass
class Trouble:
    """A statement that could not be run."""

    at: Span | None
    reason: Reason | None  # what it lacks; None where the exception is the program's own
    error: str
    doubt: Reason | None = None
    kind: str = ""
    names: tuple[str, ...] = field(default=())
