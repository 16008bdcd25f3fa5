"""All the evidence of a project, sorted by model and strength."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain

from convlint.discovery.hints import declared, usage
from convlint.discovery.hints.annotations import annotated
from convlint.discovery.hints.calls import EXAMPLE, example_inputs
from convlint.discovery.hints.comments import Said, said_in_comments
from convlint.discovery.hints.definition import Definition, define
from convlint.discovery.hints.docstrings import said_in_docstrings, written_examples
from convlint.discovery.hints.prose import images_in_prose
from convlint.discovery.hints.shapes import Sizes, specs
from convlint.discovery.hints.usage import Usage
from convlint.discovery.hints.view import View, shorten
from convlint.discovery.nodes import nodes_of
from convlint.discovery.project import Symbol
from convlint.discovery.references import dotted, imports_of
from convlint.discovery.roots import FoundModel
from convlint.discovery.survey import Census, Survey
from convlint.discovery.walk import FoundFile
from convlint.jobs import Expression, Hint

_MOST = 12
_LONGEST_TEXT = 2000
# Of a kind, so that a model with many example calls does not lose its datasets.
_MOST_CALLS = 6
_MOST_OTHERS = 3


@dataclass(frozen=True, slots=True)
class _Declared:
    """What the definition of a model says of its inputs."""

    own: tuple[Hint, ...] = ()  # directives, annotations and an example array
    docstrings: tuple[Hint, ...] = ()  # calls in their code
    prose: tuple[Hint, ...] = ()  # the size of an image
    said: tuple[Hint, ...] = ()  # shapes in comments and docstrings


@dataclass(eq=False)
class HintFinder:
    """Looks at a file when the first model asks for it."""

    survey: Survey
    is_named: Callable[[str], bool] = lambda _: False  # of a file whose definitions the configuration may name
    _views: dict[str, View | None] = field(default_factory=dict)
    _usages: dict[str, Usage] = field(default_factory=dict)
    _found: dict[Symbol, tuple[Hint, ...]] = field(default_factory=dict)

    @property
    def census(self) -> Census:
        return self.survey.census

    def added(
        self, file: FoundFile, models: tuple[FoundModel, ...], definitions: dict[str, FoundModel]
    ) -> tuple[tuple[FoundModel, ...], dict[str, FoundModel]]:
        """The models with their hints, and those of the definitions that may be asked for by name."""
        asked = definitions if self.is_named(file.path) else file.targets
        known = {name: self._added(file.path, definitions[name]) for name in asked if name in definitions}
        return self.with_hints(file.path, models), {**definitions, **known}

    def with_hints(self, path: str, models: Iterable[FoundModel]) -> tuple[FoundModel, ...]:
        """Models of a file with what is known of their inputs."""
        return tuple(self._added(path, model) for model in models)

    def _added(self, path: str, model: FoundModel) -> FoundModel:
        # One construction is one site, however often a file repeats it.
        sites = {(site.path, site.text): site for site in model.sites}
        hints = tuple(_at_known_site(hint, sites) for hint in self.of(Symbol(path, model.target)))
        return replace(model, hints=hints) if hints else model

    def of(self, symbol: Symbol) -> tuple[Hint, ...]:
        """The hints of a model, strongest first."""
        if symbol not in self._found:
            self._found[symbol] = ()
            with suppress(RecursionError):  # an expression of a thousand parts is not a hint
                self._found[symbol] = self._find(symbol)
        return self._found[symbol]

    def _find(self, symbol: Symbol) -> tuple[Hint, ...]:
        model = self._class_of(symbol)
        if model is None and symbol not in self.census.makers:
            return ()
        definition = define(model, self.census, self._view) if model else None
        usages = [self._usage(path) for path in self._users(symbol, model)]
        followed = usage.followed(usages, symbol, model, self.survey.handed.get(symbol, ()))
        certain = [hint for hint in followed if hint.is_certain]
        likely = [hint for hint in followed if not hint.is_certain]
        code = usage.calls(usages, symbol, model)
        fed = usage.shapes(usages, symbol, model)
        images = usage.images(usages, symbol, model)
        told = self._told(symbol, definition) if definition else _Declared()
        groups = (
            told.own,
            _unique(certain)[:_MOST_CALLS],
            _unique([*likely, *code])[:_MOST_CALLS],
            _unique(told.docstrings)[:_MOST_OTHERS],
            told.prose,
            _unique(fed)[:_MOST_OTHERS],
            _unique(images)[:_MOST_OTHERS],
            told.said[:_MOST_OTHERS],
        )
        return tuple(_unique(chain(*groups))[:_MOST])

    def _told(self, symbol: Symbol, definition: Definition) -> _Declared:
        """All four read from one definition, in full."""
        return _Declared(
            own=tuple(self._written(symbol, definition)),
            docstrings=tuple(_docstring_hints(definition, symbol)),
            prose=tuple(images_in_prose(definition)),
            said=tuple(_said(definition)),
        )

    def asked(self, paths: Collection[str]) -> set[Symbol]:
        """The classes that a directive says what to feed, so that they are to be checked by themselves."""
        homes = {symbol.path for symbol in self.census.classes}.intersection(paths)
        views = [view for path in homes if (view := self._view(path)) is not None]
        return {symbol for view in views for symbol in declared.asked(view, self.census, self._view)}

    def problems(self, path: str) -> list[str]:
        """The directives of a file that say nothing, in words."""
        view = self._view(path)
        if view is None or not any(symbol.path == path for symbol in self._makers):
            return []
        return declared.problems(view, self.census, self._view)

    @cached_property
    def _makers(self) -> list[Symbol]:
        return [*self.census.classes, *self.census.factories, *self.census.instances]

    @cached_property
    def _factories(self) -> dict[Symbol, list[Symbol]]:
        """What else constructs a class."""
        found: dict[Symbol, list[Symbol]] = {}
        for factory in (*self.census.factories, *self.census.instances):
            for built in self.census.class_graph.built(factory).classes:
                found.setdefault(built, []).append(factory)
        return found

    @cached_property
    def _importers(self) -> dict[str, list[str]]:
        """The files that import something by a word."""
        found: dict[str, list[str]] = {}
        for path, member in sorted(self.census.class_graph.project.parsed().items()):
            words = {word for one in imports_of(member.tree.body, member.place.package) for word in one.full.split(".")}
            for word in words:
                found.setdefault(word, []).append(path)
        return found

    def _class_of(self, symbol: Symbol) -> Symbol | None:
        if symbol in self.census.classes:
            return symbol
        built = self.census.class_graph.built(symbol).classes
        return next(iter(built)) if len(built) == 1 else None

    def _users(self, symbol: Symbol, model: Symbol | None) -> list[str]:
        """The files that construct a model or have it at hand, its own first."""
        class_graph = [symbol, *([model, *self._factories.get(model, ())] if model else [])]
        users = sorted({call.path for one in class_graph for call in self.survey.calls.get(one, ())})
        for one in class_graph:
            if one in self.census.instances:
                stem = one.path.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2]
                users += [one.path, *self._importers.get(one.name, ()), *self._importers.get(stem, ())]
        return [path for path in dict.fromkeys([symbol.path, *users]) if path in users or self._uses_itself(symbol)]

    def _uses_itself(self, symbol: Symbol) -> bool:
        """Whether there is a reason to look into the file of a model that nothing in it constructs."""
        view = self._view(symbol.path)
        node = view.classes.get(symbol.name) if view else None
        if view is None or node is None:
            return False
        if any(full.startswith("torchvision") for full in view.imports.values()):
            return True
        return any(
            isinstance(one, ast.Call) and dotted(one.func) in ("self", "self.forward") for one in nodes_of([node])
        )

    def _view(self, path: str) -> View | None:
        if path not in self._views:
            member = self.census.class_graph.project.parsed().get(path)
            self._views[path] = View(self.census.class_graph.project, member) if member else None
        return self._views[path]

    def _usage(self, path: str) -> Usage:
        if path not in self._usages:
            view = self._view(path)
            assert view is not None
            self._usages[path] = Usage(self.census, view, self._view)
        return self._usages[path]

    def _written(self, symbol: Symbol, definition: Definition) -> Iterator[Hint]:
        """What is written on the model itself: directives, annotations and an example array."""
        yield from declared.hints(symbol, definition, self._view)
        forward, view = definition.forward, definition.view
        if forward is not None:
            home = symbol.path
            shapes = annotated(forward.parameters, forward.view)
            if shapes and set(forward.required) & set(shapes):
                source = forward.view.source("annotation", forward.node.lineno, home)
                yield Hint(kind="inputs", source=source, inputs=specs(shapes, forward.required))
        for call, fed in example_inputs(definition.node, view):
            source = view.source(EXAMPLE, call.row, symbol.path)
            yield Hint(kind="call", source=source, call=call, attribute=EXAMPLE, fed=fed)


def _docstring_hints(definition: Definition, symbol: Symbol) -> list[Hint]:
    view = definition.view
    return [
        Hint(
            kind="call",
            source=view.source(f"docstring: {shorten(one.what)}", one.call.row, symbol.path),
            is_evidence=one.site is not None,
            site=one.site,
            call=one.call,
        )
        for one in written_examples(definition, symbol.name)
    ]


def _said(definition: Definition) -> Iterator[Hint]:
    """Shapes in prose. They go stale, so they are candidates only."""
    forward = definition.forward
    if forward is None:
        return
    for what, found in (("comment", said_in_comments(forward)), ("docstring", said_in_docstrings(definition))):
        if not any(said.parameter in forward.required for said in found):
            continue
        view = forward.view if what == "comment" else definition.view
        for sizes in _alternatives(found, definition):
            source = view.source(what, found[0].row, definition.view.path)
            for dtype in _dtypes(definition):
                shapes = {name: (shape, dtype if len(shape) < 3 else "float32") for name, shape in sizes.items()}
                yield Hint(kind="inputs", source=source, is_evidence=False, inputs=specs(shapes, forward.required))


def _alternatives(found: list[Said], definition: Definition) -> list[dict[str, Sizes]]:
    """As it stands, and with a batch before it where it looks like the shape of one image."""
    plain = {said.parameter: said.sizes for said in found}
    with_batch = {name: ("B", *sizes) if _is_image(sizes) else sizes for name, sizes in plain.items()}
    if with_batch == plain:
        return [plain]
    convolves = any(isinstance(node, ast.Attribute) and node.attr == "Conv2d" for node in ast.walk(definition.node))
    return [with_batch, plain] if convolves else [plain, with_batch]


def _dtypes(definition: Definition) -> tuple[str, ...]:
    """Prose tells no dtype; a model with an embedding most likely takes indices."""
    names = {node.attr for node in ast.walk(definition.node) if isinstance(node, ast.Attribute)}
    return ("int64", "float32") if "Embedding" in names or "embedding" in names else ("float32",)


def _is_image(sizes: Sizes) -> bool:
    return len(sizes) == 3 and sizes[0] != "B" and (isinstance(sizes[0], int) or sizes == ("C", "H", "W"))


def _site_key(hint: Hint) -> object:
    return (hint.site.path, hint.site.text) if hint.site else None


def _at_known_site(hint: Hint, sites: Mapping[tuple[str, str], Expression]) -> Hint:
    known = sites.get((hint.site.path, hint.site.text)) if hint.site else None
    return hint if known is None or known == hint.site else hint.model_copy(update={"site": known})


def _unique(hints: Iterable[Hint]) -> list[Hint]:
    found: dict[object, Hint] = {}
    for hint in hints:
        expression = hint.call or hint.shape
        if expression is None or len(expression.text) <= _LONGEST_TEXT:
            found.setdefault(_key(hint), hint)
    return list(found.values())


def _key(hint: Hint) -> object:
    """What makes two hints the same: not where they stand, unless what they say depends on it."""
    expression = hint.call or hint.shape
    where: object = None
    if expression is not None:
        names = {node.id for node in ast.walk(ast.parse(expression.text)) if isinstance(node, ast.Name)}
        where = (expression.text, None if names <= {"forward", "torch"} else (expression.path, expression.row))
    steps = tuple((step.name, step.call.text) for step in hint.steps)
    inputs = tuple(spec.model_dump_json() for spec in hint.inputs)
    return (hint.kind, where, _site_key(hint), hint.has_batch, hint.size, steps, inputs, hint.is_flat)
