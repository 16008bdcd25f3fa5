"""Roots and blocks: which definitions of a project are models of their own, and which are parts of others."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from convlint.discovery.kin import Kin
from convlint.discovery.lineage import Lineage, ModuleClass
from convlint.discovery.project import Project, Symbol
from convlint.jobs import Expression, Hint


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A class, factory function or instance that can be checked as a model."""

    target: str
    kind: Literal["class", "factory", "instance"]
    row: int
    sites: tuple[Expression, ...] = ()  # calls that construct it, anywhere in the project
    hints: tuple[Hint, ...] = ()  # what its inputs may be, strongest first


@dataclass(frozen=True, slots=True)
class Census:
    """All that the parsed files define, sorted into what matters for planning."""

    kin: Kin
    classes: dict[Symbol, ModuleClass]
    factories: tuple[Symbol, ...]  # functions that return a model
    instances: tuple[Symbol, ...]  # values that are one


def take_census(project: Project) -> Census:
    """Look at every file parsed so far, and at those that its base classes come from."""
    lineage = Lineage(project, {})
    kin = Kin(project, lineage)
    symbols = [
        Symbol(path, name)
        for path, member in project.parsed().items()
        for table in (member.outline.classes, member.outline.functions, member.outline.values)
        for name in table
    ]
    classes = {symbol: found for symbol in symbols if (found := lineage.of(symbol)) is not None}
    makers = [symbol for symbol in symbols if symbol not in classes and _makes_model(kin, symbol)]
    factories = tuple(symbol for symbol in makers if project.function_of(symbol) is not None)
    instances = tuple(symbol for symbol in makers if project.function_of(symbol) is None)
    return Census(kin, classes, factories, instances)


def find_models(census: Census, paths: Collection[str]) -> dict[str, tuple[FoundModel, ...]]:
    """The models of the given files, each to be checked once, in the order of their rows."""
    blocks, helpers = _parts(census)
    classes = census.classes
    roots = {symbol for symbol, found in classes.items() if found.has_forward and symbol not in blocks}
    entries = _entries(census, helpers, paths)
    provided = {made for entry in entries for made in census.kin.built(entry).classes}
    bare = {symbol for symbol in roots if classes[symbol].is_bare}
    roots -= {symbol for symbol in provided if symbol not in bare}
    roots |= _uncovered(census, blocks, bare | provided, entries)
    models: dict[str, list[FoundModel]] = {path: [] for path in paths}
    for symbol in [*roots, *entries]:
        if symbol.path in models:
            models[symbol.path].append(describe(census, symbol))
    return {path: tuple(sorted(found, key=lambda model: (model.row, model.target))) for path, found in models.items()}


def describe(census: Census, symbol: Symbol) -> FoundModel:
    project = census.kin.project
    for kind, found in (
        ("factory", project.function_of(symbol)),
        ("class", project.class_of(symbol)),
        ("instance", project.value_of(symbol)),
    ):
        if found is not None:
            return FoundModel(symbol.name, kind, found.row)  # type: ignore[arg-type]
    raise KeyError(symbol)


def _makes_model(kin: Kin, symbol: Symbol) -> bool:
    function = kin.project.function_of(symbol)
    if function is not None and function.does_work:
        return False
    built = kin.built(symbol)
    return bool(built.classes) or built.is_sequential or built.is_module


def _parts(census: Census) -> tuple[set[Symbol], set[Symbol]]:
    """The classes that are blocks, and the functions and values that module classes use."""
    kin = census.kin
    blocks: set[Symbol] = set()
    helpers: set[Symbol] = set()
    for symbol, found in census.classes.items():
        use = kin.use(symbol)
        helpers |= use.helpers
        if found.has_forward:
            # Two classes that use each other are both models rather than none.
            blocks |= {used for used in use.classes if symbol not in _reach(census, used)}
    for maker in (*census.factories, *census.instances):
        # `_resnet(BasicBlock, ...)`: what a factory passes on, but does not build itself, is a block.
        direct = set(kin.references(maker))
        blocks |= {used for used in direct if used in census.classes and used not in kin.built(maker).classes}
        helpers |= {used for used in direct if used in census.instances}
    return blocks, helpers


def _reach(census: Census, start: Symbol) -> set[Symbol]:
    """Every module class that one is made of, near and far."""
    reached: set[Symbol] = set()
    pending = [start]
    while pending:
        for used in census.kin.use(pending.pop()).classes - reached:
            reached.add(used)
            pending.append(used)
    return reached


def _entries(census: Census, helpers: set[Symbol], paths: Collection[str]) -> list[Symbol]:
    """The factories and instances worth a check of their own: public, not part of a model, callable bare, and
    leading to something that no class leads to by itself."""
    entries = [
        symbol
        for symbol in (*census.factories, *census.instances)
        if symbol.path in paths
        and symbol not in helpers
        and not symbol.name.startswith("_")
        and _is_worth_it(census, symbol)
    ]
    return [symbol for symbol in entries if not _repeats(census, symbol, entries)]


def _is_worth_it(census: Census, symbol: Symbol) -> bool:
    function = census.kin.project.function_of(symbol)
    if function is not None and function.required:
        return False
    built = census.kin.built(symbol)
    found = [census.classes[made] for made in built.classes if made in census.classes]
    if found:
        return any(made.has_forward and not made.is_bare for made in found)
    return built.is_sequential or (built.is_module and function is not None)


def _repeats(census: Census, symbol: Symbol, entries: Iterable[Symbol]) -> bool:
    """`def build(): return resnet18()` and `model = resnet18()` say nothing that `resnet18` does not say."""
    project = census.kin.project
    function, value = project.function_of(symbol), project.value_of(symbol)
    calls: tuple[str, ...] = function.bare_returns if function is not None else ()
    if value is not None and value.call is not None and value.is_bare:
        calls = (value.call,)
    meanings = {project.meaning(symbol.path, name) for name in calls}
    return any(entry in meanings and entry != symbol for entry in entries)


def _uncovered(census: Census, blocks: set[Symbol], checked: set[Symbol], entries: Iterable[Symbol]) -> set[Symbol]:
    """Blocks that can be built bare, while no model that holds them can: they are checked by themselves."""
    covered = set(checked)
    for symbol in [*checked, *entries]:
        covered |= _reach(census, symbol)
    left = {
        symbol for symbol in blocks - covered if census.classes[symbol].is_bare and census.classes[symbol].has_forward
    }
    inner = {used for symbol in left for used in _reach(census, symbol) if symbol not in _reach(census, used)}
    return left - inner
