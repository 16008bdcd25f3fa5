"""A model of the job built once more, from files with other texts or with an eye on its constructors."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

from torch import nn

from convlint.facts import Way
from convlint.jobs import Job, ModelJob
from convlint.worker.analysis.session import TraceSession
from convlint.worker.build.builder import Builder, BuiltModel
from convlint.worker.build.importing import ImportedProject, importing
from convlint.worker.build.resolve import Resolver
from convlint.worker.build.skeleton import Sites, building, frames_of
from convlint.worker.build.styles import STYLES
from convlint.worker.stack.users import IsUser
from convlint.worker.torch_private.fake import FakeTensorMode
from convlint.worker.user_code.source import replaced

_SCOPES = "_convlint_scopes"
_DEEPEST = 24  # frames of a construction whose names are kept
_MOST_ATTRIBUTES = 64
_numbers = count(1)

Scope = Mapping[str, int]
"""The whole numbers that expressions at a call may name: `width`, `self.heads`, `config.dim`."""


@dataclass(frozen=True)
class Recipe:
    """How one model of a job was built."""

    job: Job
    wanted: ModelJob
    way: Way
    mode: FakeTensorMode
    is_user: IsUser
    made_up: frozenset[str] = frozenset()  # arguments whose values no edit may count on

    @contextmanager
    def rebuilt(self, texts: Mapping[str, str] | None = None, sites: Sites | None = None) -> Iterator[TraceSession]:
        """The model built again, where files by their path have other texts; it lives as long as this lasts.

        Raises what the user's code raises then, and NotBuilt.
        """
        sites = sites or Sites()

        def context() -> AbstractContextManager[None]:
            return building(self.mode, sites)

        others = edited(texts or {})
        with others as editions, without_modules(self.is_user), self._importing(editions) as project:
            with context():
                module = project.load()
            resolver = Resolver(project, self.job.files)
            built = self._built(Builder(module, self.wanted, self.mode, self.is_user, resolver, context))
            yield TraceSession(built.model, self.mode, sites, self.is_user)

    def _importing(self, editions: Mapping[str, str]) -> AbstractContextManager[ImportedProject]:
        return importing(self.job, self.is_user, editions=editions)

    def _built(self, builder: Builder) -> BuiltModel:
        if self.way.construction is not None:
            return builder.nth(self.way.construction)
        return builder.guess(next(style for style in STYLES if style.name == self.way.style))


def name_of_edition(filename: str) -> str:
    """The file that code stands in: that of an edited one is known under another name."""
    return filename.rpartition("#")[0] or filename


@contextmanager
def edited(texts: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Names of their own for the edited files, so that nothing that is kept of the others mixes with them."""
    editions = {path: f"{path}#{next(_numbers)}" for path in texts}
    replaced.update({name: texts[path] for path, name in editions.items()})
    try:
        yield editions
    finally:
        for name in editions.values():
            replaced.pop(name, None)
            linecache.cache.pop(name, None)


@contextmanager
def without_modules(is_user: IsUser) -> Iterator[None]:
    """While this lasts, none of the user's modules is imported yet; then those are again that were."""
    kept, path = _users_modules(is_user), list(sys.path)
    for name in kept:
        del sys.modules[name]
    try:
        yield
    finally:
        for name in _users_modules(is_user):
            del sys.modules[name]
        sys.modules.update(kept)
        sys.path[:] = path


def _users_modules(is_user: IsUser) -> dict[str, Any]:
    found = {}
    for name, module in list(sys.modules.items()):
        filename = getattr(module, "__file__", None)
        if isinstance(filename, str) and name != "__main__" and is_user(filename):
            found[name] = module
    return found


class ScopedSites(Sites):
    """Construction sites with the numbers that could be named at each of their calls."""

    def add(self, module: nn.Module) -> None:
        super().add(module)
        if _SCOPES not in module.__dict__:
            frames = islice(frames_of(module), _DEEPEST)
            module.__dict__[_SCOPES] = tuple(_scope(frame.f_locals) for frame in frames)

    def scopes(self, module: nn.Module) -> tuple[Scope, ...]:
        """For each place of the module's chain."""
        found: tuple[Scope, ...] = module.__dict__.get(_SCOPES, ())
        return found


def _scope(names: Mapping[str, Any]) -> Scope:
    numbers: dict[str, int] = {}
    for name, value in names.items():
        if name.startswith((".", "__")):
            continue
        if type(value) is int:
            numbers[name] = value
        elif not isinstance(value, type) and isinstance(getattr(value, "__dict__", None), dict):
            own = islice(vars(value).items(), _MOST_ATTRIBUTES)
            numbers.update({f"{name}.{key}": one for key, one in own if type(one) is int and key.isidentifier()})
    return numbers


def is_editable(filename: str, is_user: IsUser) -> bool:
    """Whether an edit of this file can be made: a plain one of the user's."""
    return is_user(filename) and "#" not in Path(filename).name


Rebuild = Callable[..., AbstractContextManager[TraceSession]]
