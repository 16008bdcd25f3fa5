"""A function of a package that cannot run here, as a call that a trace records."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch.overrides import handle_torch_function, has_torch_function

from convlint.facts import Reason
from convlint.signatures.arguments import parse_arguments
from convlint.signatures.schema import SignatureEntry
from convlint.worker.user_code.unavailable import OnlyDeclared
from convlint.worker.values.nesting import tensors_in


@dataclass(frozen=True, eq=False)
class Operator:
    """One name with its signatures. What runs a trace finds the result; there is nothing else to run."""

    name: str
    entries: tuple[SignatureEntry, ...]
    why: Reason  # it cannot run
    given: Mapping[str, Any] = field(default_factory=dict)  # of a layer: the arguments of its constructor
    real: Callable[..., Any] | None = None  # what runs on real tensors, where the package is there

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Raises OnlyDeclared where no trace listens."""
        tensors = tuple(tensors_in((args, kwargs)))
        if has_torch_function(tensors):
            return handle_torch_function(self, tensors, *args, **kwargs)
        if self.real is None:
            raise OnlyDeclared(self.why)
        return self.real(*args, **kwargs)


def function_of(operator: Operator) -> Callable[..., Any]:
    """A plain function, which a class may have as a method."""

    def function(*args: Any, **kwargs: Any) -> Any:
        return operator(*args, **kwargs)

    function.__module__, _, function.__qualname__ = operator.name.rpartition(".")
    function.__name__ = function.__qualname__
    arguments = operator.entries[0].arguments
    if arguments is not None:
        function.__dict__["__signature__"] = parse_arguments(arguments)
    return function


def bound(entry: SignatureEntry, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call by name, with defaults; those of `**names` under their own. Raises TypeError."""
    if entry.arguments is None:
        names = list(entry.by_name)
        return {**{names[i] if i < len(names) else f"argument {i}": one for i, one in enumerate(args)}, **kwargs}
    signature = parse_arguments(entry.arguments)
    found = signature.bind(*args, **kwargs)
    found.apply_defaults()
    return named(found)


def named(given: inspect.BoundArguments) -> dict[str, Any]:
    """Arguments by name; those of `**names` under their own."""
    values = dict(given.arguments)
    for name, parameter in given.signature.parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            values.update(values.pop(name))
    return values
