"""The files of a project, each parsed once when first asked for, and what a name in one of them means."""

from __future__ import annotations

import ast
import os
from contextlib import suppress
from dataclasses import dataclass, field

from convlint.discovery import outside
from convlint.discovery.outline import (
    ClassOutline,
    FunctionOutline,
    Outline,
    ValueOutline,
    has_relative_imports,
    outline,
)
from convlint.discovery.place import ImportPath, locate
from convlint.discovery.source import broken_cells, load_bytes, read
from convlint.facts import Failure
from convlint.filenames import display


@dataclass(frozen=True, slots=True)
class Symbol:
    """A module-level definition of the project."""

    path: str
    name: str


Meaning = Symbol | str | None
"""A definition of the project, or the dotted name of something outside of it, or nothing known."""

# What `from torch.nn import *` may be trusted to have brought.
_STARRED = frozenset({"Module", "ModuleList", "ModuleDict", "Sequential", "LightningModule"})


@dataclass(frozen=True, slots=True)
class Member:
    """A parsed file of the project."""

    place: ImportPath
    outline: Outline
    tree: ast.Module
    broken_cells: tuple[Failure, ...] = ()  # of a notebook: what the tree lacks


@dataclass(slots=True)
class Project:
    members: dict[str, Member | Failure] = field(default_factory=dict)
    _meanings: dict[tuple[str, str], Meaning] = field(default_factory=dict)
    _modules: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def add(self, path: str, given: str, data: bytes | None = None) -> Member | Failure:
        """Parse a file, unless that was done before. `data` spares a second reading."""
        known = self.members.get(path)
        if known is not None:
            return known
        filename = display(path)
        content = read(path, filename) if data is None else data
        result = content if isinstance(content, Failure) else _member(content, filename, path, given)
        self.members[path] = result
        return result

    def parsed(self) -> dict[str, Member]:
        return {path: member for path, member in self.members.items() if isinstance(member, Member)}

    def class_of(self, symbol: Symbol) -> ClassOutline | None:
        member = self.members.get(symbol.path)
        return member.outline.classes.get(symbol.name) if isinstance(member, Member) else None

    def function_of(self, symbol: Symbol) -> FunctionOutline | None:
        member = self.members.get(symbol.path)
        return member.outline.functions.get(symbol.name) if isinstance(member, Member) else None

    def value_of(self, symbol: Symbol) -> ValueOutline | None:
        member = self.members.get(symbol.path)
        if not isinstance(member, Member):
            return None
        return member.outline.values.get(symbol.name) or member.outline.scripted.get(symbol.name)

    def imported(self, path: str, name: str) -> Meaning:
        """What the absolute dotted name means to an import in the file."""
        member = self.members.get(path)
        return self._absolute(member.place, name) if isinstance(member, Member) else None

    def meaning(self, path: str, name: str) -> Meaning:
        """What the dotted name stands for at the top of the file."""
        key = (path, name)
        if key not in self._meanings:
            self._meanings[key] = None  # ends circular imports
            member = self.members.get(path)
            if isinstance(member, Member):
                with suppress(RecursionError):  # a chain of a thousand names leads nowhere
                    self._meanings[key] = self._look_up(member, name)
        return self._meanings[key]

    def _look_up(self, member: Member, name: str) -> Meaning:
        first, _, rest = name.partition(".")
        inner, place = member.outline, member.place
        own = Symbol(place.path, first)
        whole = None if rest else own  # an attribute of it is nothing that is known
        if first in inner.classes:
            return own if not rest or self.is_constructor(own, rest) else None
        if first in inner.functions:
            return whole
        value = inner.values.get(first)
        if value is not None and value.alias and value.alias != first:
            return self.meaning(place.path, _join(value.alias, rest))
        if value is not None:
            return whole
        if first in inner.imports:
            return self._absolute(place, _join(inner.imports[first], rest))
        starred = self._starred(member, name)
        if starred is None and first in inner.scripted:
            return whole
        return starred

    def _starred(self, member: Member, name: str) -> Meaning:
        """What a star import brings under the name."""
        for star in member.outline.stars:
            found = self._absolute(member.place, f"{star}.{name}")
            if isinstance(found, Symbol):
                return found
            # A star import from a file of the project also brings what that file imports: `nn`.
            if found is not None and (name in _STARRED or not found.startswith(f"{star}.")):
                return found
        return None

    def is_constructor(self, symbol: Symbol, method: str) -> bool:
        """Whether a method of a class, maybe inherited, gives an instance: `Net.from_config` is as good as `Net`."""
        found = self.class_of(symbol)
        if found is None or method in found.constructors:
            return found is not None
        bases = (self.meaning(symbol.path, base) for base in found.bases)
        return any(self.is_constructor(base, method) for base in bases if isinstance(base, Symbol))

    def _absolute(self, place: ImportPath, name: str) -> Meaning:
        """The meaning of an absolute dotted name, as seen by an import in the file."""
        parts = name.split(".")
        if parts[0] in outside.PACKAGES and parts[0] != place.module.partition(".")[0]:
            return name
        for length in range(len(parts), 0, -1):
            path = self._find_module(place.search_path, ".".join(parts[:length]))
            if path is None:
                continue
            if length == len(parts):
                return None  # the module itself
            self.add(path, place.root)
            return self.meaning(path, ".".join(parts[length:]))
        return name

    def _find_module(self, search_path: tuple[str, ...], name: str) -> str | None:
        for folder in search_path:
            key = (folder, name)
            if key not in self._modules:
                self._modules[key] = module_file(folder, name)
            if self._modules[key] is not None:
                return self._modules[key]
        return None


def _member(data: bytes, filename: str, path: str, given: str) -> Member | Failure:
    tree = load_bytes(data, filename)
    if isinstance(tree, Failure):
        return tree
    place = locate(path, given, relative_imports=has_relative_imports(tree))
    return Member(place, outline(tree, place.package), tree, broken_cells(data, filename))


def module_file(folder: str, name: str) -> str | None:
    stem = os.path.join(folder, *name.split("."))
    for candidate in (os.path.join(stem, "__init__.py"), stem + ".py"):
        if os.path.isfile(candidate):
            return candidate
    return None


def _join(head: str, rest: str) -> str:
    return f"{head}.{rest}" if rest else head
