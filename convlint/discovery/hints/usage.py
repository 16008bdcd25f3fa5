"""How a file uses models: which it constructs, what it calls them with, and the data that it has for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from convlint.discovery.hints.calls import Example, examples
from convlint.discovery.hints.datasets import Images, datasets_of, ranked
from convlint.discovery.hints.feeds import Feed, feeds
from convlint.discovery.hints.models import Made, Models
from convlint.discovery.hints.view import View
from convlint.discovery.project import Symbol
from convlint.discovery.survey import Census
from convlint.jobs import Expression, Hint
from convlint.readme import is_readme


@dataclass(eq=False)
class Usage:
    census: Census
    view: View

    @cached_property
    def examples(self) -> list[Example]:
        return examples(self._models)

    @cached_property
    def feeds(self) -> list[Feed]:
        return feeds(self._models)

    @cached_property
    def images(self) -> list[Images]:
        knows = any(
            full.startswith("torchvision") for full in (*self.view.imports.values(), *self.view.member.outline.stars)
        )
        return datasets_of(self.view) if knows else []

    @cached_property
    def _models(self) -> Models:
        return Models(self.census, self.view)


def is_same(made: Made, symbol: Symbol, model: Symbol | None) -> bool:
    return made.symbol == symbol or (symbol == model and made.built == symbol)


def is_kin(made: Made, symbol: Symbol, model: Symbol | None) -> bool:
    """The same class, constructed by another function."""
    return symbol != model and model is not None and made.built == model


def calls(usages: Iterable[Usage], symbol: Symbol, model: Symbol | None) -> list[Hint]:
    """What the code calls the model with; what may be another model comes last."""
    found: list[Hint] = []
    for usage in usages:
        met: set[tuple[int, str]] = set()
        for example in usage.examples:
            same = is_same(example.made, symbol, model)
            is_known = example.made.site is None and (example.row, example.what) in met
            if (same or is_kin(example.made, symbol, model)) and not is_known:
                met.add((example.row, example.what))
                found.append(_example_hint(example, usage.view, symbol, same))
    return sorted(found, key=lambda hint: not hint.is_evidence)


def shapes(usages: Iterable[Usage], symbol: Symbol, model: Symbol | None) -> Iterator[Hint]:
    """What the images of a loader are reshaped to before the model gets them."""
    for usage in usages:
        for feed in _feeds(usage, symbol, model):
            if feed.shape is not None:
                source = usage.view.source(f"reshape to {feed.shape.text}", feed.shape.row, symbol.path)
                yield Hint(kind="shape", source=source, is_evidence=feed.made.is_sure, shape=feed.shape)
            elif feed.is_flat:
                yield from _flattened(feed, usage, symbol)


def images(usages: Sequence[Usage], symbol: Symbol, model: Symbol | None) -> Iterator[Hint]:
    """What the datasets of the files give that define or construct the model."""
    everywhere = [feed for usage in usages for feed in _feeds(usage, symbol, model)]
    for usage in usages:
        if not usage.images:
            continue
        # A model that the file only hands on is called where its images may have another shape by then.
        found = _feeds(usage, symbol, model) or everywhere
        if found and not any(feed.is_loaded for feed in found):
            continue  # a generator that is fed noise
        is_evidence = any(feed.is_plain and feed.made.is_sure for feed in found)
        for one, is_sure in ranked(usage.images):
            source = usage.view.source(one.name, one.row, symbol.path)
            yield Hint(kind="image", source=source, is_evidence=is_evidence and is_sure, size=one.size, steps=one.steps)


def _feeds(usage: Usage, symbol: Symbol, model: Symbol | None) -> list[Feed]:
    return [feed for feed in usage.feeds if is_same(feed.made, symbol, model) or is_kin(feed.made, symbol, model)]


def _flattened(feed: Feed, usage: Usage, symbol: Symbol) -> Iterator[Hint]:
    """`images.view(images.size(0), -1)` of images of a known size."""
    for one in usage.images:
        if one.size is not None and not one.steps:
            channels, height, width = one.size
            shape = Expression(text=f"(-1, {channels} * {height} * {width})", path=usage.view.path, row=feed.row)
            source = usage.view.source(f"{one.name}, flattened", one.row, symbol.path)
            yield Hint(kind="shape", source=source, is_evidence=feed.made.is_sure, shape=shape)


def _example_hint(example: Example, view: View, symbol: Symbol, same: bool) -> Hint:
    site = example.made.site if same else None
    return Hint(
        kind="call" if example.call is not None else "shape",
        source=view.source(example.what, example.row, symbol.path),
        # A README grows stale, so that what it shows is only tried.
        is_evidence=same and example.made.is_sure and not is_readme(view.path),
        site=view.expression(site) if site is not None else None,
        call=example.call,
        shape=example.shape,
        has_batch=example.has_batch,
    )
