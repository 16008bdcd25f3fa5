"""Inputs that the project itself says of, ready to be tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from convlint.inputspec import InputSpec
from convlint.jobs import Expression, Hint
from convlint.worker.analysis.inference import hints
from convlint.worker.analysis.inference.guesses import Guess, fixed, opened, slots
from convlint.worker.build.resolve import Resolver
from convlint.worker.trace.forward_parameters import parameters_of
from convlint.worker.trace.input import BATCH, Input, declared
from convlint.worker.trace.origin import ShapeSource

# Attributes by which modules remember the size of image that they were built for.
_SIZE_NAMES = ("img_size", "image_size", "input_size", "input_resolution", "resolution", "img_dim", "im_size", "size")


@dataclass(frozen=True)
class Evidence:
    """Inputs for all that forward needs, or for a part of it that the rest is found out beside."""

    source: str
    is_strong: bool  # what contradicts it is an error; else it is only a candidate
    inputs: tuple[Input, ...] | None
    known: Mapping[str, Guess]
    is_declared: bool = False  # of `Hint`
    is_certain: bool = False  # of `Hint`, and about this very construction
    is_named: bool = False  # a size that is only named, in prose or a comment, and not fed to any model
    exact: tuple[Input, ...] | None = None  # with the batch of the example, where `inputs` have any

    @property
    def names_sizes(self) -> bool:
        """Whether it gives names to sizes other than the batch, as docstrings do."""
        return any(isinstance(size, str) and size != BATCH for i in self.inputs or () for size in i.spec.shape or ())

    def opened(self, model: nn.Module) -> dict[str, Guess]:
        """The inputs as guesses whose named sizes are open."""
        specs = {item.name: item.spec for item in self.inputs or ()}
        told = [slot for slot in slots(model, specs) if slot.name in specs]
        source = ShapeSource("evidence", self.source)
        return {
            slot.name: opened(slot, spec, source) if (spec := specs[slot.name]).shape else fixed(spec, source)
            for slot in told
        }


def evidence(
    model: nn.Module, given: Sequence[Hint], is_about: Callable[[Expression], bool], resolver: Resolver
) -> Iterator[Evidence]:
    """The hints that can be evaluated, strongest first; those about another construction only as candidates."""
    names = [parameter.name for parameter in parameters_of(model)]
    for hint in given:
        own = _held(model, hint, names)
        told = own or hints.told(hint, names, resolver.evaluate, resolver.call_arguments)
        if told is None:
            continue
        is_strong = hint.is_evidence and (hint.site is None or is_about(hint.site))
        found = _evidence(model, names, told.inputs, hint, is_strong)
        if found.inputs is not None and told.exact != told.inputs:
            found = replace(found, exact=declared(model, told.exact, hint.source, hint.fed))
        yield replace(
            found,
            is_declared=hint.is_declared,
            is_certain=is_strong and (hint.is_certain or own is not None),
            is_named=not hint.is_evidence and hint.site is None,
        )


def _held(model: nn.Module, hint: Hint, names: list[str]) -> hints.DeclaredInput | None:
    """The example that a LightningModule holds, as its constructor has made it."""
    is_lightning = any(base.__name__.strip("_") == "LightningModule" for base in type(model).__mro__)
    if hint.attribute is None or not is_lightning:
        return None
    value = getattr(model, hint.attribute, None)
    return None if value is None else hints.held(value, names)


def _evidence(
    model: nn.Module, names: list[str], specs: tuple[InputSpec, ...], hint: Hint, is_strong: bool
) -> Evidence:
    source = hint.source
    keywords = {spec.name for spec in specs if spec.name is not None}
    positional = [spec for spec in specs if spec.name is None]
    told = {*names[: len(positional)], *keywords}
    if set(names) <= told:
        return Evidence(source, is_strong, declared(model, specs, source, hint.fed), {})
    known = dict(zip(names, positional, strict=False)) | {s.name: s for s in specs if s.name in names}
    shown = ShapeSource("evidence", source)
    return Evidence(source, is_strong, None, {str(name): fixed(spec, shown, hint.fed) for name, spec in known.items()})


def squares(model: nn.Module, arguments: Mapping[str, Any]) -> tuple[int, ...]:
    """Sizes of images that the arguments of a model's constructor speak of, or its own attributes."""
    found = {size: None for name in _SIZE_NAMES[:-1] for size in _sizes(arguments.get(name))}
    for module in model.modules():
        for name in _SIZE_NAMES:
            for size in _sizes(vars(module).get(name)):
                found[size] = None
    return tuple(found)[:6]


def _sizes(value: Any) -> list[int]:
    values = list(value) if isinstance(value, (tuple, list)) else [value]
    return [size for size in values[-1:] if isinstance(size, int) and not isinstance(size, bool) and 4 <= size <= 4096]
