"""Roots and blocks: which definitions of a project are models of their own, and which are parts of others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from convlint.discovery.entries import find_factories, find_instances, is_likely
from convlint.discovery.project import Symbol
from convlint.discovery.sites import ConstructorCall, expressions, is_closed
from convlint.discovery.survey import Survey
from convlint.jobs import Expression, Hint


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A class, factory function or instance that can be checked as a model."""

    target: str
    kind: Literal["class", "factory", "instance"]
    row: int
    is_bare: bool = True  # can be built without arguments
    sites: tuple[Expression, ...] = ()  # calls that construct it, anywhere in the project
    hints: tuple[Hint, ...] = ()  # what its inputs may be, strongest first

    def expressions(self) -> Iterator[Expression]:
        """The user's code that it speaks of."""
        yield from self.sites
        for hint in self.hints:
            steps = [step.call for step in hint.steps]
            yield from (one for one in (hint.site, hint.call, hint.shape, *steps) if one is not None)


def find_models(
    survey: Survey, paths: Collection[str], asked: Collection[Symbol] = ()
) -> dict[str, tuple[FoundModel, ...]]:
    """The models of the given files, each to be checked once, in the order of their rows.

    Blocks that the user asks for are models as well.
    """
    factories = find_factories(survey, paths)
    entries = [*factories, *find_instances(survey, paths, factories)]
    provided = _provided(survey, entries)
    roots = _root_classes(survey, asked)
    # What no factory builds in this way is a check of its own.
    extra = {symbol: calls for symbol in roots & provided if (calls := _outside_of_factories(survey, symbol))}
    roots -= provided
    likely = {symbol for symbol in roots if is_likely(survey, symbol, survey.census.classes[symbol].required)}
    roots |= _uncovered(survey, likely | provided, entries)
    models: dict[str, list[FoundModel]] = {path: [] for path in paths}
    for symbol in [*roots, *extra, *entries]:
        if symbol.path in models:
            models[symbol.path].append(describe(survey, symbol, extra.get(symbol)))
    return {path: tuple(sorted(found, key=lambda model: (model.row, model.target))) for path, found in models.items()}


def _provided(survey: Survey, entries: Collection[Symbol]) -> set[Symbol]:
    """The classes with required arguments that a factory or an instance builds as they are."""
    class_graph, classes = survey.census.class_graph, survey.census.classes
    instances = set(survey.census.instances)
    unchanged = [entry for entry in entries if entry not in instances or not class_graph.is_changed(entry)]
    built = {made for entry in unchanged for made in class_graph.built(entry).classes}
    return {made for made in built if made in classes and not classes[made].is_bare}


def _root_classes(survey: Survey, asked: Collection[Symbol]) -> set[Symbol]:
    """The classes with a forward that are part of no other model."""
    blocks = survey.blocks.difference(asked)
    found = {symbol for symbol, known in survey.census.classes.items() if known.has_forward and symbol not in blocks}
    return {symbol for symbol in found if not survey.is_mere_base(symbol)}


def describe(survey: Survey, symbol: Symbol, calls: Collection[ConstructorCall] | None = None) -> FoundModel:
    """A definition as a model; `calls` are those that it is to be built by, if these are not all."""
    project = survey.census.class_graph.project
    function, value, module = project.function_of(symbol), project.value_of(symbol), survey.census.classes.get(symbol)
    everywhere = [*survey.calls.get(symbol, ()), *survey.handed.get(symbol, ())]
    sites = _sites(survey, symbol, everywhere if calls is None else calls)
    if function is not None:
        return FoundModel(symbol.name, "factory", function.row, not function.required, sites)
    found = project.class_of(symbol)
    if found is not None:
        return FoundModel(symbol.name, "class", found.row, module is None or module.is_bare, sites)
    if value is not None:
        return FoundModel(symbol.name, "instance", value.row)
    raise KeyError(symbol)


def _sites(survey: Survey, symbol: Symbol, calls: Collection[ConstructorCall]) -> tuple[Expression, ...]:
    comes_last: Callable[[ConstructorCall], bool] = partial(survey.is_held, symbol)
    return expressions(calls, symbol.path, comes_last)


def _outside_of_factories(survey: Survey, symbol: Symbol) -> list[ConstructorCall]:
    """The calls of a class, none of them a factory's, with arguments that do not depend on where they stand."""
    census = survey.census
    return [
        call
        for call in survey.free_calls(symbol)
        if call.owner is None
        or (Symbol(call.path, call.owner) not in census.makers and is_closed(census.class_graph.project, call))
    ]


def _uncovered(survey: Survey, checked: set[Symbol], entries: Collection[Symbol]) -> set[Symbol]:
    """Blocks that can be built, while no model that holds them can: they are checked by themselves."""
    classes = survey.census.classes
    covered = set(checked)
    for symbol in [*checked, *entries]:
        covered |= survey.reach(symbol)
    left = {
        symbol
        for symbol in survey.blocks - covered
        # A class of a file that was only parsed for its bases is not a model of this run.
        if symbol in classes and classes[symbol].has_forward and is_likely(survey, symbol, classes[symbol].required)
    }
    inner = {used for symbol in left for used in survey.reach(symbol) if symbol not in survey.reach(used)}
    return left - inner
