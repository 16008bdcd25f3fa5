"""Which classes of a project are modules, told from their bases near and far."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from convlint.discovery import outside
from convlint.discovery.outline import ClassOutline
from convlint.discovery.project import Meaning, Project, Symbol


@dataclass(frozen=True, slots=True)
class ModuleClass:
    """A class of the project that is an nn.Module."""

    symbol: Symbol
    row: int
    has_forward: bool  # its own or inherited, and not one that only raises
    required: tuple[str, ...] | None  # constructor arguments without a default; None: not known
    parents: tuple[Symbol, ...]  # those of its bases that the project defines

    @property
    def is_bare(self) -> bool:
        """Whether its constructor can be called without arguments."""
        return self.required == ()


@dataclass(slots=True)
class Inheritance:
    """The module classes of a project, decided once each."""

    project: Project
    _known: dict[Symbol, ModuleClass | None]

    def of(self, symbol: Symbol) -> ModuleClass | None:
        """The module class behind a symbol, or None where it is something else."""
        if symbol not in self._known:
            self._known[symbol] = None  # ends a circle of bases
            found = self.project.class_of(symbol)
            if found is not None:
                with suppress(RecursionError):  # nor is a class with a thousand ancestors a model
                    self._known[symbol] = self._decide(symbol, found)
        return self._known[symbol]

    def _decide(self, symbol: Symbol, found: ClassOutline) -> ModuleClass | None:
        meanings = [self.project.meaning(symbol.path, base) for base in found.bases]
        parents = self._parents(meanings)
        foreign = [meaning for meaning in meanings if isinstance(meaning, str) and outside.is_module(meaning)]
        if not parents and not foreign and not self._behaves_like_one(symbol, found, meanings):
            return None
        inherits = any(parent.has_forward for parent in parents) or any(map(outside.has_forward, foreign))
        return ModuleClass(
            symbol=symbol,
            row=found.row,
            has_forward=(found.has_forward or inherits) and not found.is_abstract,
            required=_required(found, parents, foreign),
            parents=tuple(parent.symbol for parent in parents),
        )

    def _parents(self, bases: list[Meaning]) -> list[ModuleClass]:
        """The bases that are module classes of the project."""
        own = [self.of(base) for base in bases if isinstance(base, Symbol)]
        return [parent for parent in own if parent is not None]

    def _behaves_like_one(self, symbol: Symbol, found: ClassOutline, meanings: list[Meaning]) -> bool:
        """An unknown base, but a forward and torch's layers in the body: a BaseModule of some package."""
        if not found.has_forward or not any(isinstance(meaning, str) for meaning in meanings):
            return False
        used = (self.project.meaning(symbol.path, name) for name in found.references)
        return any(isinstance(meaning, str) and outside.is_layer(meaning) for meaning in used)


def _required(found: ClassOutline, parents: list[ModuleClass], foreign: list[str]) -> tuple[str, ...] | None:
    if found.required is not None:
        return found.required
    # Without a constructor of its own the first base that has one decides.
    if parents:
        return parents[0].required
    return () if foreign and outside.is_bare(foreign[0]) else None
