"""What is known of a whole project: its module classes and makers, who is a part of whom, and who calls them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from convlint.discovery.argument_flow import handed_on
from convlint.discovery.class_graph import ClassGraph
from convlint.discovery.inheritance import Inheritance, ModuleClass
from convlint.discovery.outline import Outline
from convlint.discovery.project import Project, Symbol
from convlint.discovery.sites import ConstructorCall, arguments_of, find_calls

_NOTHING: Mapping[Symbol, frozenset[Symbol]] = {}


@dataclass(frozen=True, slots=True)
class Census:
    """All that the parsed files define, sorted into what matters for planning."""

    class_graph: ClassGraph
    classes: dict[Symbol, ModuleClass]
    factories: tuple[Symbol, ...]  # functions that return a model
    instances: tuple[Symbol, ...]  # values that are one

    @property
    def makers(self) -> tuple[Symbol, ...]:
        return (*self.factories, *self.instances)


@dataclass(frozen=True, slots=True)
class Survey:
    census: Census
    blocks: frozenset[Symbol]  # classes that are parts of others
    helpers: frozenset[Symbol]  # functions and values that module classes use
    inherited: frozenset[Symbol]  # classes that others derive from
    calls: dict[Symbol, list[ConstructorCall]]  # of classes and factories
    passed: dict[Symbol, frozenset[Symbol]]  # the classes that calls of one take as arguments
    handed: dict[Symbol, list[ConstructorCall]]  # constructions as the callers of the functions around them have them
    _reached: dict[Symbol, frozenset[Symbol]] = field(default_factory=dict)

    def reach(self, start: Symbol) -> frozenset[Symbol]:
        """Every module class that one is made of, near and far."""
        if start not in self._reached:
            self._reached[start] = _reach(self.census, start, self.passed)
        return self._reached[start]

    def is_held(self, symbol: Symbol, call: ConstructorCall) -> bool:
        """Whether a call makes a block for the model that it stands in."""
        owner = Symbol(call.path, call.owner or "")
        return symbol in self.blocks and (owner in self.census.classes or owner in self.helpers)

    def free_calls(self, symbol: Symbol) -> Sequence[ConstructorCall]:
        return [call for call in self.calls.get(symbol, ()) if not self.is_held(symbol, call)]

    def is_mere_base(self, symbol: Symbol) -> bool:
        """Whether others derive from a class that nobody builds."""
        return symbol in self.inherited and not self.free_calls(symbol)


def take_census(project: Project) -> Census:
    """Look at every file parsed so far, and at those that its base classes come from."""
    inheritance = Inheritance(project, {})
    class_graph = ClassGraph(project, inheritance)
    symbols = [
        Symbol(path, name)
        for path, member in project.parsed().items()
        for table in _tables(member.outline)
        for name in table
    ]
    classes = {symbol: found for symbol in symbols if (found := inheritance.of(symbol)) is not None}
    makers = [symbol for symbol in symbols if symbol not in classes and _makes_model(class_graph, symbol)]
    factories = tuple(symbol for symbol in makers if project.function_of(symbol) is not None)
    instances = tuple(symbol for symbol in makers if project.function_of(symbol) is None)
    return Census(class_graph, classes, factories, instances)


def take_survey(census: Census) -> Survey:
    """Once per run, when all files are parsed."""
    blocks, helpers = _parts(census)
    calls = find_calls(census.class_graph.project, {*census.classes, *census.factories})
    passed = {symbol: _passed(census, symbol, found) for symbol, found in calls.items()}
    blocks |= {part for symbol, parts in passed.items() for part in parts if symbol not in _reach(census, part)}
    inherited = frozenset(parent for found in census.classes.values() for parent in found.parents)
    return Survey(census, blocks, helpers, inherited, calls, passed, handed_on(census.class_graph.project, calls))


def _passed(census: Census, symbol: Symbol, calls: Iterable[ConstructorCall]) -> frozenset[Symbol]:
    """`ResNet(Block, [2, 2])` makes Block a part of ResNet."""
    project = census.class_graph.project
    meanings = {project.meaning(call.path, name) for call in calls for name in arguments_of(call.node)}
    return frozenset(found for found in meanings if found in census.classes and found != symbol)


def _tables(outline: Outline) -> Iterator[Iterable[str]]:
    yield from (outline.classes, outline.functions, outline.values)
    yield outline.scripted.keys() - outline.values.keys()


def _makes_model(class_graph: ClassGraph, symbol: Symbol) -> bool:
    function = class_graph.project.function_of(symbol)
    if function is not None and function.does_work:
        return False
    built = class_graph.built(symbol)
    return bool(built.classes) or built.is_sequential or built.is_module


def _parts(census: Census) -> tuple[frozenset[Symbol], frozenset[Symbol]]:
    """The classes that are blocks, and the functions and values that module classes use."""
    class_graph = census.class_graph
    blocks: set[Symbol] = set()
    helpers: set[Symbol] = set()
    for symbol, found in census.classes.items():
        use = class_graph.use(symbol)
        helpers |= use.helpers
        if found.has_forward:
            # Two classes that use each other are both models rather than none.
            blocks |= {used for used in use.classes if symbol not in _reach(census, used)}
    for maker in census.makers:
        # `_resnet(BasicBlock, ...)`: what a factory passes on, but does not build itself, is a block.
        direct = set(class_graph.references(maker))
        blocks |= {used for used in direct if used in census.classes and used not in class_graph.built(maker).classes}
        helpers |= {used for used in direct if used in census.instances}
    return frozenset(blocks), frozenset(helpers)


def _reach(census: Census, start: Symbol, passed: Mapping[Symbol, frozenset[Symbol]] = _NOTHING) -> frozenset[Symbol]:
    reached: set[Symbol] = set()
    pending = [start]
    while pending:
        one = pending.pop()
        for used in (census.class_graph.use(one).classes | passed.get(one, frozenset())) - reached:
            reached.add(used)
            pending.append(used)
    return frozenset(reached)
