"""Layers as facts: their attributes, and where the user's code made them and gave each argument."""

from __future__ import annotations

import ast
import inspect
from typing import Any

from torch import nn
from torch.nn.parameter import is_lazy

from convlint.facts import Layer, Span
from convlint.worker.build.skeleton import Sites, count_parameters
from convlint.worker.stack.constructor_arguments import argument_places, is_reckoned_with
from convlint.worker.stack.parsed_file import expression_span
from convlint.worker.stack.places import FramePlace, span_of
from convlint.worker.stack.users import IsUser
from convlint.worker.trace.trace import type_name

_HIDDEN = frozenset({"training", "call_super_init", "dump_patches"})


def layer_facts(path: str, layer: nn.Module, sites: Sites, is_user: IsUser) -> Layer:
    chain = sites.chain(layer)
    arguments: dict[str, Span] = {}
    names = constructor_parameters(type(layer))
    for name in names:
        span = argument_span(layer, name, chain, is_user)
        if span is not None:
            arguments[name] = span
    return Layer(
        path=path,
        type=type_name(type(layer)),
        base=_base(type(layer)),
        attributes={name: value for name, value in vars(layer).items() if _is_attribute(name, value)},
        parameters=count_parameters(layer),
        weights={name: tuple(p.shape) for name, p in layer.named_parameters() if not is_lazy(p)},
        site=site_of(chain, is_user),
        arguments=arguments,
        reckoned=tuple(name for name in arguments if is_reckoned_with(chain, name, names)),
    )


def _base(kind: type[nn.Module]) -> str | None:
    """The public name of the class of torch's own that a layer derives from."""
    names = [type_name(base) for base in kind.__mro__]
    return None if names[0].startswith("torch.") else next((n for n in names if n.startswith("torch.nn.")), None)


def site_of(chain: tuple[FramePlace, ...], is_user: IsUser) -> Span | None:
    """The constructor call in the user's code: the innermost one, where torch's own code stands between."""
    place = next((place for place in chain if is_user(place.code.co_filename)), None)
    return span_of(place) if place else None


def argument_span(layer: nn.Module, name: str, chain: tuple[FramePlace, ...], is_user: IsUser) -> Span | None:
    """The outermost expression of the user's that gave this argument."""
    found = None
    for filename, expression in argument_places(chain, name, constructor_parameters(type(layer))):
        if is_user(filename) and _means(layer, name, expression):
            found = expression_span(filename, expression)
    return found


def _means(layer: nn.Module, name: str, expression: ast.expr) -> bool:
    """Whether an argument is the layer's attribute: a constructor of the user's own may make anything of its name."""
    own = not getattr(type(layer).__init__, "__module__", "").startswith(("torch.", "convlint."))
    return not own or (isinstance(expression, ast.Constant) and expression.value == getattr(layer, name, None))


# RNN, LSTM and GRU take `*args`; these are the names in their documentation.
_RECURRENT = (
    "input_size",
    "hidden_size",
    "num_layers",
    "bias",
    "batch_first",
    "dropout",
    "bidirectional",
    "proj_size",
)


_known: dict[type[nn.Module], tuple[str, ...]] = {}


def constructor_parameters(kind: type[nn.Module]) -> tuple[str, ...]:
    """The constructor's parameters as a call counts them, read once for all layers of a kind."""
    if kind not in _known:
        _known[kind] = _read_parameters(kind)
    return _known[kind]


def _read_parameters(kind: type[nn.Module]) -> tuple[str, ...]:
    if kind in (nn.LSTM, nn.GRU, nn.RNN):
        return _RECURRENT if kind is not nn.RNN else (*_RECURRENT[:3], "nonlinearity", *_RECURRENT[3:-1])
    try:
        parameters = list(inspect.signature(kind).parameters.values())
    except (TypeError, ValueError):
        return ()
    return tuple(p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD))


def _is_attribute(name: str, value: Any) -> bool:
    return not name.startswith("_") and name not in _HIDDEN and is_plain(value)


def is_plain(value: Any) -> bool:
    """Whether a value can stand in facts as it is."""
    scalar = (bool, int, float, str, type(None))
    if isinstance(value, tuple):
        return len(value) <= 8 and all(type(item) in scalar for item in value)
    return type(value) in scalar


def holds_nothing(model: nn.Module) -> bool:
    """Whether a model is a container of layers that is still empty: who makes it appends them."""
    return isinstance(model, nn.ModuleList | nn.ModuleDict | nn.Sequential) and not len(model)
