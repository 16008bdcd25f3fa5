"""Who uses whom: what a definition refers to, and the classes that a factory's calls end in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from convlint.discovery import outside
from convlint.discovery.inheritance import Inheritance
from convlint.discovery.project import Project, Symbol


@dataclass(frozen=True, slots=True)
class Reach:
    """What a definition reaches through functions and values, without looking into the classes it meets."""

    classes: frozenset[Symbol]  # module classes
    helpers: frozenset[Symbol]  # functions and values


@dataclass(frozen=True, slots=True)
class ReturnedClass:
    """What calling a function returns, as far as the syntax says."""

    classes: frozenset[Symbol] = frozenset()
    is_sequential: bool = False
    is_module: bool = False  # annotated as some nn.Module, or another package's model that is changed


@dataclass(slots=True)
class ClassGraph:
    project: Project
    inheritance: Inheritance
    _uses: dict[Symbol, Reach] = field(default_factory=dict)
    _built: dict[Symbol, ReturnedClass] = field(default_factory=dict)

    def references(self, symbol: Symbol) -> Iterator[Symbol]:
        """The project's definitions that one refers to directly; a class also through its bases."""
        project = self.project
        for one in (symbol, *sorted(self._ancestors(symbol) - {symbol}, key=lambda one: (one.path, one.name))):
            found = project.class_of(one) or project.function_of(one) or project.value_of(one)
            if found is not None:
                yield from self._symbols(one.path, found.references)

    def use(self, symbol: Symbol) -> Reach:
        if symbol not in self._uses:
            classes: set[Symbol] = set()
            helpers: set[Symbol] = set()
            pending = list(self.references(symbol))
            while pending:
                met = pending.pop()
                if self.inheritance.of(met) is not None:
                    classes.add(met)
                elif met not in helpers and self.project.class_of(met) is None:
                    helpers.add(met)
                    pending.extend(self.references(met))
            own = {symbol, *self._ancestors(symbol)}  # `return Net(3)` in a method of Net, seen from a subclass
            self._uses[symbol] = Reach(frozenset(classes - own), frozenset(helpers - own))
        return self._uses[symbol]

    def _ancestors(self, symbol: Symbol) -> set[Symbol]:
        found: set[Symbol] = set()
        pending = [symbol]
        while pending:
            module = self.inheritance.of(pending.pop())
            parents = set(module.parents) - found if module else set()
            found |= parents
            pending.extend(parents)
        return found

    def built(self, symbol: Symbol) -> ReturnedClass:
        """What a function or a value's call makes."""
        if symbol not in self._built:
            self._built[symbol] = ReturnedClass()  # ends recursion
            function, value = self.project.function_of(symbol), self.project.value_of(symbol)
            with suppress(RecursionError):
                if function is not None:
                    self._built[symbol] = self._combine(symbol, function.returns, function.annotation)
                elif value is not None and value.call is not None:
                    self._built[symbol] = self._combine(symbol, (value.call,), None)
        return self._built[symbol]

    def is_changed(self, symbol: Symbol) -> bool:
        """Whether a function or value gets a new layer from outside: `model.fc = nn.Linear(...)`."""
        found = self.project.function_of(symbol) or self.project.value_of(symbol)
        return found is not None and any(self._is_layer(symbol.path, call) for call in found.changes)

    def _is_layer(self, path: str, call: str) -> bool:
        meaning = self.project.meaning(path, call)
        if isinstance(meaning, Symbol):
            return self.inheritance.of(meaning) is not None or self.built(meaning) != ReturnedClass()
        return meaning is not None and outside.is_module(meaning)

    def _combine(self, symbol: Symbol, calls: tuple[str, ...], annotation: str | None) -> ReturnedClass:
        path, is_changed = symbol.path, self.is_changed(symbol)
        classes: set[Symbol] = set()
        is_sequential = is_module = False
        for name in (*calls, annotation):
            meaning = self.project.meaning(path, name) if name else None
            if isinstance(meaning, str):
                is_sequential |= outside.is_sequential(meaning)
                is_module |= outside.is_whole(meaning) and name == annotation
                is_module |= is_changed and outside.makes_module(meaning)
            elif meaning is not None and self.inheritance.of(meaning) is not None:
                if name != annotation or not classes:
                    classes.add(meaning)
            elif meaning is not None and name != annotation and self.project.function_of(meaning) is not None:
                inner = self.built(meaning)
                classes |= inner.classes
                is_sequential |= inner.is_sequential
                is_module |= inner.is_module
        return ReturnedClass(frozenset(classes), is_sequential, is_module)

    def _symbols(self, path: str, names: frozenset[str]) -> Iterator[Symbol]:
        for name in sorted(names):
            meaning = self.project.meaning(path, name)
            if isinstance(meaning, Symbol):
                yield meaning
