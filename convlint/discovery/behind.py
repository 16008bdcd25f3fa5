"""The classes that a factory or an instance stands for, to be checked by themselves where it cannot be built."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from convlint.discovery.entries import is_likely
from convlint.discovery.project import Symbol
from convlint.discovery.roots import FoundModel, describe
from convlint.discovery.survey import Survey


@dataclass(frozen=True, slots=True)
class Behind:
    """`listed` are the models of each file that are checked anyway."""

    survey: Survey
    listed: Mapping[str, tuple[FoundModel, ...]]

    def of(self, path: str, target: str) -> dict[str, tuple[FoundModel, ...]]:
        """The models to check in the place of one, by file; those of files that are not linted are left out."""
        found: dict[str, list[FoundModel]] = {}
        for symbol in sorted(self._classes(Symbol(path, target)), key=lambda one: (one.path, one.name)):
            if symbol.path in self.listed and symbol.name not in {model.target for model in self.listed[symbol.path]}:
                found.setdefault(symbol.path, []).append(describe(self.survey, symbol))
        return {path: tuple(sorted(models, key=lambda model: model.row)) for path, models in found.items()}

    def _classes(self, symbol: Symbol) -> Iterator[Symbol]:
        """What it makes; besides a class that nobody can build, the blocks of it that can be."""
        classes = self.survey.census.classes
        for made in self.survey.census.class_graph.built(symbol).classes:
            if made not in classes or not classes[made].has_forward:
                continue
            yield made
            if not is_likely(self.survey, made, classes[made].required):
                yield from self._blocks(made)

    def _can_be_built(self, symbol: Symbol) -> bool:
        found = self.survey.census.classes.get(symbol)
        return found is not None and found.has_forward and is_likely(self.survey, symbol, found.required)

    def _blocks(self, start: Symbol) -> Collection[Symbol]:
        """The outermost of those that can be built."""
        found = {symbol for symbol in self.survey.reach(start) if self._can_be_built(symbol)}
        return found - {used for one in found for used in self.survey.reach(one) if one not in self.survey.reach(used)}
