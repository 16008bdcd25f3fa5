"""Layers of packages that cannot run here, as modules with the parameters that their signatures declare."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from convlint.facts import Reason
from convlint.signatures.arguments import parse_arguments
from convlint.signatures.notation import Shape
from convlint.signatures.parse import NotationError, parse_expression, parse_shape
from convlint.signatures.schema import SignatureEntry
from convlint.worker.ops.signatures.operator import Operator, named
from convlint.worker.ops.signatures.scope import CallScope, Undetermined
from convlint.worker.user_code.unavailable import Unavailable


class NoAttribute(Unavailable, AttributeError):
    """An attribute that the real class may have: `hasattr` says no, and nothing is concluded from its absence."""


class SignatureLayer(nn.Module):
    """Base of the classes that `layer_of` makes."""

    convlint_entries: tuple[SignatureEntry, ...] = ()
    convlint_reason: Reason = Reason(kind="package-absent")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        kind = type(self)
        entry = kind.convlint_entries[0]
        try:
            bound = parse_arguments(entry.constructor).bind(*args, **kwargs)
        except TypeError as error:  # another version may take them
            raise Unavailable(Reason(kind="signature-misfit", name=kind.__name__, detail=str(error))) from None
        bound.apply_defaults()
        given = named(bound)
        name = f"{kind.__module__}.{kind.__qualname__}"
        # Not a submodule and not a tensor, so that it stays out of facts.
        self.__dict__["_convlint_operator"] = Operator(name, kind.convlint_entries, kind.convlint_reason, given)
        scope = CallScope(dict(given), entry.let)
        try:
            self._make_parameters(entry, scope)
        except Undetermined as error:
            raise Unavailable(Reason(kind="signature-misfit", name=name, detail=str(error))) from None
        for one, value in given.items():
            if not hasattr(self, one):
                setattr(self, one, value)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name.startswith("__"):
                raise
        raise NoAttribute(Reason(kind="signature-silent", name=name, owner=type(self).__name__))

    def _make_parameters(self, entry: SignatureEntry, scope: CallScope) -> None:
        for path, form in entry.parameters.items():
            *parents, name = path.split(".")
            owner: nn.Module = self
            for parent in parents:
                if parent not in dict(owner.named_children()):
                    owner.add_module(parent, nn.Module())
                owner = owner.get_submodule(parent)
            text = form.shape if form.argument is None else scope.get(form.argument)
            is_there = text is not None and (form.when is None or scope.holds(parse_expression(form.when)))
            shape = scope.sizes(_shape(text)) if is_there else ()
            owner.register_parameter(name, nn.Parameter(torch.empty(shape)) if is_there else None)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return operator_of(self)(*args, **kwargs)


def _shape(text: Any) -> Shape:
    try:
        return parse_shape(str(text))
    except NotationError as error:
        raise Undetermined(str(error)) from None


def operator_of(layer: SignatureLayer) -> Operator:
    """What the layer calls."""
    found: Operator = layer.__dict__["_convlint_operator"]
    return found


def layer_of(name: str, entries: tuple[SignatureEntry, ...], why: Reason) -> type[SignatureLayer]:
    """A class in the place of one that cannot run here."""
    module, _, short = name.rpartition(".")
    body = {
        "__module__": module,
        "__qualname__": short,
        "__signature__": parse_arguments(entries[0].constructor),
        "convlint_entries": entries,
        "convlint_reason": why,
    }
    return type(short, (SignatureLayer,), body)
