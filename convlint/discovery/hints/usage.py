"""How a file uses models: which it constructs, what it calls them with, and the data that it has for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from convlint.discovery.hints.calls import ExampleCall, examples
from convlint.discovery.hints.contexts import ViewOf
from convlint.discovery.hints.datasets import Images, datasets_of, ranked
from convlint.discovery.hints.feedings import Feeding, Feedings
from convlint.discovery.hints.making import site_of
from convlint.discovery.hints.model_calls import Feed, feeds
from convlint.discovery.hints.models import Made, ProjectModels
from convlint.discovery.hints.view import View
from convlint.discovery.project import Symbol
from convlint.discovery.sites import ConstructorCall
from convlint.discovery.survey import Census
from convlint.jobs import Expression, Hint
from convlint.readme import is_readme


@dataclass(eq=False)
class Usage:
    census: Census
    view: View
    view_of: ViewOf

    @cached_property
    def examples(self) -> list[ExampleCall]:
        """Those that are not followed all the way, so that more of them is guessed."""
        known = {id(feeding.call) for feeding in self.feedings}
        return [example for example in examples(self._models) if id(example.node) not in known]

    @cached_property
    def feeds(self) -> list[Feed]:
        known = {id(feeding.call) for feeding in self.feedings if feeding.batch is not None}
        found = [feed for feed in feeds(self._models) if id(feed.node) not in known]
        sited = {id(feed.node) for feed in found if feed.made.site is not None}
        found = [feed for feed in found if feed.made.site is not None or id(feed.node) not in sited]
        return [replace(feed, is_plain=False) if id(feed.node) in self._flow.refuted else feed for feed in found]

    @cached_property
    def feedings(self) -> list[Feeding]:
        return self._flow.all()

    def fed(self, symbol: Symbol) -> list[Feeding]:
        return [one for one in self.feedings if any(making.symbol == symbol for making in one.chain)]

    @cached_property
    def _flow(self) -> Feedings:
        return Feedings(self.census, self.view_of, self.view)

    @cached_property
    def images(self) -> list[Images]:
        knows = any(
            full.startswith("torchvision") for full in (*self.view.imports.values(), *self.view.member.outline.stars)
        )
        return datasets_of(self.view) if knows else []

    @cached_property
    def _models(self) -> ProjectModels:
        return ProjectModels(self.census, self.view)


def is_same(made: Made, symbol: Symbol, model: Symbol | None) -> bool:
    return made.symbol == symbol or (symbol == model and made.built == symbol)


def is_related(made: Made, symbol: Symbol, model: Symbol | None) -> bool:
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
            if (same or is_related(example.made, symbol, model)) and not is_known:
                met.add((example.row, example.what))
                found.append(_example_hint(example, usage.view, symbol, same))
    return sorted(found, key=lambda hint: not hint.is_evidence)


def followed(
    usages: Iterable[Usage], symbol: Symbol, model: Symbol | None, handed: Sequence[ConstructorCall]
) -> list[Hint]:
    """What goes into a construction of the model, from its source to the call: literal calls, then images.

    What goes into the same class as another function constructs it is only a candidate.
    """
    found: list[Hint] = []
    for usage in usages:
        for feeding in usage.feedings:
            makings = {making.symbol: making for making in feeding.chain}
            if symbol in makings:
                found.append(_followed(feeding, symbol, site_of(makings[symbol], handed)))
            elif model in makings:
                found.append(_followed(feeding, symbol, None))
    return sorted(found, key=lambda hint: (not hint.is_certain, not hint.is_evidence, hint.kind == "image"))


def _followed(feeding: Feeding, symbol: Symbol, site: Expression | None) -> Hint:
    # A README grows stale, so that what it shows is only tried.
    is_evidence = site is not None and not is_readme(feeding.view.path)
    home, row = symbol.path, feeding.call.lineno
    tied = Hint(
        kind="call",
        source=feeding.view.source(feeding.what, row, home),
        is_evidence=is_evidence,
        is_certain=is_evidence and feeding.is_certain,
        site=site,
        fed=feeding.view.span(feeding.call),
    )
    batch = feeding.batch
    if batch is None:
        kind = "call" if feeding.example is not None else "shape"
        update = {"call": feeding.example, "shape": feeding.shape, "has_batch": feeding.has_batch, "kind": kind}
        return tied.model_copy(update=update)
    if batch.sizes is not None:
        source = feeding.view.source(f"reshape to {batch.sizes.text}", batch.sizes.row, home)
        return tied.model_copy(update={"kind": "shape", "source": source, "shape": batch.sizes})
    images = batch.images
    source = batch.home.source(f"{images.name}, flattened" if batch.is_flat else images.name, images.row, home)
    told = {"size": images.size, "steps": images.steps}
    return tied.model_copy(update={"kind": "image", "source": source, "is_flat": batch.is_flat, **told})


def shapes(usages: Iterable[Usage], symbol: Symbol, model: Symbol | None) -> Iterator[Hint]:
    """What the images of a loader are reshaped to before the model gets them."""
    for usage in usages:
        for feed in _feeds(usage, symbol, model):
            if feed.shape is not None:
                source = usage.view.source(f"reshape to {feed.shape.text}", feed.shape.row, symbol.path)
                is_evidence = _is_evidence(feed, symbol, model)
                site = _site_in(usage, feed, symbol, model)
                yield Hint(kind="shape", source=source, is_evidence=is_evidence, site=site, shape=feed.shape)
            elif feed.is_flat:
                yield from _flattened(feed, usage, symbol, model)


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
        fed = _plainly_fed(usage, found, symbol, model)
        as_they_come = _as_they_come(usage, symbol)
        for one, is_sure in ranked(usage.images):
            if one.key not in as_they_come:
                yield from _image_hints(one, usage, symbol, fed, is_sure=is_sure)


@dataclass(frozen=True, slots=True)
class _PlainlyFed:
    """The constructions of a model that a file feeds with images as they come."""

    sites: tuple[Expression, ...]
    is_unsited: bool  # a feed is of no construction that is known


def _plainly_fed(usage: Usage, feeds: Iterable[Feed], symbol: Symbol, model: Symbol | None) -> _PlainlyFed:
    """Of the feeds with images as they come, those that are evidence for this very model."""
    plain = [feed for feed in feeds if feed.is_plain and _is_evidence(feed, symbol, model)]
    sites = [_site_in(usage, feed, symbol, model) for feed in plain]
    known = {site.text: site for site in sites if site}
    return _PlainlyFed(tuple(known.values()), None in sites)


def _as_they_come(usage: Usage, symbol: Symbol) -> set[object]:
    """The images that are followed from their dataset into the model, and so are known already."""
    batches = [feeding.batch for feeding in usage.fed(symbol) if feeding.batch is not None]
    return {batch.images.key for batch in batches if batch.is_plain}


def _image_hints(one: Images, usage: Usage, symbol: Symbol, fed: _PlainlyFed, *, is_sure: bool) -> Iterator[Hint]:
    """One dataset's images: for each construction that is fed with them, and for any other."""
    source = usage.view.source(one.name, one.row, symbol.path)
    hint = Hint(kind="image", source=source, is_evidence=False, size=one.size, steps=one.steps)
    for site in fed.sites:
        yield hint.model_copy(update={"is_evidence": is_sure, "site": site})
    if fed.is_unsited or not fed.sites:
        yield hint.model_copy(update={"is_evidence": fed.is_unsited and is_sure})


def _feeds(usage: Usage, symbol: Symbol, model: Symbol | None) -> list[Feed]:
    return [feed for feed in usage.feeds if is_same(feed.made, symbol, model) or is_related(feed.made, symbol, model)]


def _is_evidence(feed: Feed, symbol: Symbol, model: Symbol | None) -> bool:
    """Whether it is this very model that is fed, and not another one of its class."""
    return feed.made.is_sure and not feed.is_doubtful and is_same(feed.made, symbol, model)


def _site_in(usage: Usage, feed: Feed, symbol: Symbol, model: Symbol | None) -> Expression | None:
    site = feed.made.site if is_same(feed.made, symbol, model) else None
    return usage.view.expression(site) if site is not None else None


def _flattened(feed: Feed, usage: Usage, symbol: Symbol, model: Symbol | None) -> Iterator[Hint]:
    """`images.view(images.size(0), -1)` of images of a known size."""
    for one in usage.images:
        if one.size is not None and not one.steps:
            channels, height, width = one.size
            shape = Expression(text=f"(-1, {channels} * {height} * {width})", path=usage.view.path, row=feed.row)
            source = usage.view.source(f"{one.name}, flattened", one.row, symbol.path)
            is_evidence = _is_evidence(feed, symbol, model)
            site = _site_in(usage, feed, symbol, model)
            yield Hint(kind="shape", source=source, is_evidence=is_evidence, site=site, shape=shape)


def _example_hint(example: ExampleCall, view: View, symbol: Symbol, same: bool) -> Hint:
    site = example.made.site if same else None
    return Hint(
        kind="call" if example.call is not None else "shape",
        source=view.source(example.what, example.row, symbol.path),
        # A README grows stale, so that what it shows is only tried.
        is_evidence=same and example.made.is_sure and example.is_exact and not is_readme(view.path),
        site=view.expression(site) if site is not None else None,
        call=example.call,
        shape=example.shape,
        has_batch=example.has_batch,
    )
