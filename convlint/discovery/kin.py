"""Who uses whom: what a definition refers to, and the classes that a factory's calls end in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from convlint.discovery import outside
from convlint.discovery.lineage import Lineage
from convlint.discovery.project import Project, Symbol


@dataclass(frozen=True, slots=True)
class Use:
    """What a definition reaches through functions and values, without looking into the classes it meets."""

    classes: frozenset[Symbol]  # module classes
    helpers: frozenset[Symbol]  # functions and values


@dataclass(frozen=True, slots=True)
class Built:
    """What calling a function returns, as far as the syntax tells."""

    classes: frozenset[Symbol] = frozenset()
    is_sequential: bool = False
    is_module: bool = False  # annotated as some nn.Module


@dataclass(slots=True)
class Kin:
    project: Project
    lineage: Lineage
    _uses: dict[Symbol, Use] = field(default_factory=dict)
    _built: dict[Symbol, Built] = field(default_factory=dict)

    def references(self, symbol: Symbol) -> Iterator[Symbol]:
        """The project's definitions that one refers to directly; a class also through its bases."""
        pending, met = [symbol], {symbol}
        while pending:
            one = pending.pop()
            project = self.project
            found = project.class_of(one) or project.function_of(one) or project.value_of(one)
            if found is not None:
                yield from self._symbols(one.path, found.references)
            module = self.lineage.of(one)
            parents = set(module.parents) - met if module else set()
            met |= parents
            pending.extend(parents)

    def use(self, symbol: Symbol) -> Use:
        if symbol not in self._uses:
            classes: set[Symbol] = set()
            helpers: set[Symbol] = set()
            pending = list(self.references(symbol))
            while pending:
                met = pending.pop()
                if self.lineage.of(met) is not None:
                    classes.add(met)
                elif met not in helpers and self.project.class_of(met) is None:
                    helpers.add(met)
                    pending.extend(self.references(met))
            self._uses[symbol] = Use(frozenset(classes - {symbol}), frozenset(helpers - {symbol}))
        return self._uses[symbol]

    def built(self, symbol: Symbol) -> Built:
        """What a function or a value's call makes."""
        if symbol not in self._built:
            self._built[symbol] = Built()  # ends recursion
            function, value = self.project.function_of(symbol), self.project.value_of(symbol)
            with suppress(RecursionError):
                if function is not None:
                    self._built[symbol] = self._combine(symbol.path, function.returns, function.annotation)
                elif value is not None and value.call is not None:
                    self._built[symbol] = self._combine(symbol.path, (value.call,), None)
        return self._built[symbol]

    def _combine(self, path: str, calls: tuple[str, ...], annotation: str | None) -> Built:
        classes: set[Symbol] = set()
        is_sequential = is_module = False
        for name in (*calls, annotation):
            meaning = self.project.meaning(path, name) if name else None
            if isinstance(meaning, str):
                is_sequential |= outside.is_sequential(meaning)
                is_module |= outside.is_module(meaning) and name == annotation
            elif meaning is not None and self.lineage.of(meaning) is not None:
                if name != annotation or not classes:
                    classes.add(meaning)
            elif meaning is not None and name != annotation:
                inner = self.built(meaning)
                classes |= inner.classes
                is_sequential |= inner.is_sequential
                is_module |= inner.is_module
        return Built(frozenset(classes), is_sequential, is_module)

    def _symbols(self, path: str, names: frozenset[str]) -> Iterator[Symbol]:
        for name in sorted(names):
            meaning = self.project.meaning(path, name)
            if isinstance(meaning, Symbol):
                yield meaning
