"""Functions that build a swept model with its arguments as text, to stand at the end of the model's own file."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from torch import nn

from benchmarks.oracle.sources import FeedsOf
from benchmarks.oracle.sweep.subject import Subject, Variant
from benchmarks.oracle.sweep.transformers import small

FACTORY = "oracle_model"

# What the sweep gives where a parameter is a module.
_PARTS = {
    "Decoder": "Decoder(dim=32, depth=2, heads=4, attn_dim_head=8)",
    "TransformerWrapper": "TransformerWrapper(num_tokens=64, max_seq_len=64, attn_layers={Decoder})",
    "ViT": "ViT(image_size=64, patch_size=8, num_classes=8, dim=32, depth=2, heads=4, mlp_dim=64)",
}


@dataclass(frozen=True)
class Factory:
    """The text of one, the module that it is for, and what may go into its model."""

    module: str
    text: str
    feeds: FeedsOf


def of_class(subject: Subject) -> Iterator[Factory]:
    """A class of vit-pytorch or x-transformers, with the values that the sweep has for its parameters."""
    for variant in subject.variants:
        yield from _language_model(subject, variant) if "[" in subject.name else _of_kind(variant)


def of_architecture(subject: Subject) -> Iterator[Factory]:
    """The base model of a configuration of transformers, with the sweep's sizes."""
    transformers = importlib.import_module("transformers")
    auto = importlib.import_module("transformers.models.auto.modeling_auto")
    found = auto.MODEL_MAPPING_NAMES[subject.name]
    model = getattr(transformers, found if isinstance(found, str) else found[0])
    kind = transformers.CONFIG_MAPPING[subject.name]
    for variant in subject.variants:
        build: Any = variant.build  # a partial of the sweep's function, with the sizes
        values = small(kind, build.args[1]).to_diff_dict()
        built = f"{model.__name__}._from_config({kind.__name__}.from_dict({values!r}), attn_implementation='eager')"
        text = _function(built, f"from {kind.__module__} import {kind.__name__}")
        yield Factory(model.__module__, text, variant.feeds)


def _of_kind(variant: Variant) -> Iterator[Factory]:
    build: Any = variant.build  # a partial of the sweep's function that fills in the arguments
    package, kind, given = build.args
    try:
        kwargs = build.func(package, _Declared(kind), given)
        arguments = ", ".join(f"{name}={_written(value)}" for name, value in kwargs.items())
    except KeyError:  # no value is known, or not how it is written
        return
    imports = [f"from {package.__name__} import {part}" for part in _missing(package, kind.__module__)]
    text = _function(f"{kind.__name__}({arguments})", "from torch import nn", *imports)
    yield Factory(kind.__module__, text, variant.feeds)


class _Declared:
    """In the place of a class: gives the arguments that it is called with."""

    def __init__(self, kind: type[nn.Module]) -> None:
        self.__signature__ = inspect.signature(kind)

    def __call__(self, **kwargs: Any) -> dict[str, Any]:
        return kwargs


def _missing(package: ModuleType, module: str) -> list[str]:
    """The parts that the package has, and the module has not."""
    home = importlib.import_module(module)
    return [name for name in _PARTS if hasattr(package, name) and not hasattr(home, name)]


def _language_model(subject: Subject, variant: Variant) -> Iterator[Factory]:
    """x-transformers' language model with the options that stand in brackets after its name."""
    name, _, options = subject.name.removesuffix("]").partition("[")
    module = f"{importlib.import_module('x_transformers').__name__}.x_transformers"
    wrapper = inspect.signature(getattr(importlib.import_module(module), name)).parameters
    (call,) = ast.parse(f"options({options})").body
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    of_layers, of_wrapper = "", ""
    for keyword in call.value.keywords:
        if keyword.arg in wrapper:
            of_wrapper += f", {ast.unparse(keyword)}"
        else:
            of_layers += f", {ast.unparse(keyword)}"
    layers = f"{variant.label}(dim=32, depth=2, heads=4, attn_dim_head=8{of_layers})"
    built = f"{name}(num_tokens=64, max_seq_len=64, attn_layers={layers}{of_wrapper})"
    yield Factory(module, _function(built), variant.feeds)


def _function(built: str, *statements: str) -> str:
    lines = [*statements, f"return {built}"]
    return "".join(["\n\n", f"def {FACTORY}():\n", *(f"    {line}\n" for line in lines)])


def _written(value: Any) -> str:
    """A value as it is written in Python. Raises KeyError for a module of another kind."""
    match value:
        case nn.Linear():
            return f"nn.Linear({value.in_features}, {value.out_features})"
        case nn.GELU() | nn.Identity():
            return f"nn.{type(value).__name__}()"
        case nn.Sequential():
            return f"nn.Sequential({', '.join(map(_written, value))})"
        case nn.Module():
            return _PARTS[type(value).__name__].format_map(_PARTS)
        case _:
            return repr(value)
