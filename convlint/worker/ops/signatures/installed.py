"""Operators of packages that are there, whose compiled code cannot run on fake tensors: traces follow their signatures.

On real tensors they run as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from torch import nn
from torch.overrides import has_torch_function

from convlint.facts import Reason
from convlint.signatures.arguments import parse_arguments
from convlint.signatures.schema import SignatureEntry
from convlint.worker.ops.signatures.known import KnownSignatures
from convlint.worker.ops.signatures.operator import Operator, function_of, named
from convlint.worker.user_code.pretrained import Changed
from convlint.worker.values.nesting import tensors_in

_WHY = Reason(kind="compiled-only")


def followed(spec: ModuleSpec, known: KnownSignatures) -> ModuleSpec | None:
    """The spec of a module with such operators, so that a trace follows their signatures; None for any other."""
    operators = known.compiled(spec.name)
    if not operators or spec.loader is None:
        return None

    def change(module: ModuleType) -> None:
        for name, entries in operators.items():
            found = vars(module).get(name)
            if isinstance(found, type) and issubclass(found, nn.Module):
                _follow_layer(found, entries)
            elif callable(found):
                vars(module)[name] = function_of(Operator(entries[0].title, entries, _WHY, real=found))

    spec.loader = Changed(spec.loader, change)
    return spec


def _follow_layer(kind: Any, entries: tuple[SignatureEntry, ...]) -> None:
    """Let a layer's forward be one call of its operator, with the arguments that its constructor had."""
    make: Callable[..., None] = kind.__init__
    run: Callable[..., Any] = kind.forward
    signature = parse_arguments(entries[0].constructor)

    def init(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:  # of another version
            return
        bound.apply_defaults()
        real = run.__get__(self)
        self.__dict__["_convlint_operator"] = Operator(entries[0].title, entries, _WHY, named(bound), real)

    def forward(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        operator = self.__dict__.get("_convlint_operator")
        if operator is None or not has_torch_function(tuple(tensors_in((args, kwargs)))):
            return run(self, *args, **kwargs)
        return operator(*args, **kwargs)

    kind.__init__, kind.forward = init, forward
