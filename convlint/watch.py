"""What a process reads, lists or looks for, while it is watched."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec
from importlib.util import source_from_cache
from typing import Any

from convlint.dependencies import Dependencies

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
"""Any of these flags of `open` may change a file."""
_MACHINE = ("/proc/", "/sys/", "/dev/")
_STAT_SETS: tuple[set[Any], ...] = (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks)

_watching: list[Watch] = []
_hooked: list[bool] = []

Counts = Callable[[str], bool]
"""Whether something with this absolute name matters."""


class Watch:
    """Names in the order in which they were asked for, each once."""

    def __init__(self, counts: Counts, *, follows_imports: bool) -> None:
        self._counts = counts
        self.follows_imports = follows_imports
        self._files: dict[str, None] = {}
        self._folders: dict[str, None] = {}
        self._paths: dict[str, None] = {}
        self._modules: dict[str, None] = {}
        self._packages: dict[str, None] = {}
        self._variables: dict[str, None] = {}
        self._made: set[str] = set()  # by the process itself
        self._lacks = False

    def opened(self, path: Any, flags: Any = os.O_RDONLY) -> None:
        name = self._counted(path)
        if name is None or name in self._made:
            return
        if isinstance(flags, int) and flags & WRITING and not os.path.lexists(name):
            self._made.add(name)
            return
        if name.endswith(".pyc"):
            with suppress(ValueError):
                name = source_from_cache(name)
        self._files[name] = None

    def listed(self, path: Any) -> None:
        name = self._counted(os.curdir if path is None else path)
        if name is not None:
            self._folders[name] = None

    def asked(self, path: Any) -> None:
        """Whether there is such a file or folder."""
        name = self._counted(path)
        if name is not None:
            self._paths[name] = None

    def read_variable(self, name: str) -> None:
        self._variables[name] = None

    def used(self, package: str) -> None:
        """A package of the libraries, by its top name."""
        self._packages[package] = None

    def looked_for(self, module: str, folders: Sequence[str], found: ModuleSpec | None) -> None:
        """An import has gone through folders: in those before the one that has the module, it must not appear."""
        places = _places(found)
        self._lacks = self._lacks or found is None
        for folder in map(os.path.abspath, folders):
            if folder in places:
                return
            if found is None or self._counts(folder + os.sep):
                self._modules[os.path.join(folder, module.rpartition(".")[2])] = None

    def dependencies(self) -> Dependencies | None:
        """All of it; None where a name is not a text, which no file could hold."""
        paths = [path for path in self._paths if path not in self._files and path not in self._made]
        names = (self._files, self._folders, paths, self._modules, self._packages, self._variables)
        try:
            for name in (name for part in names for name in part):
                name.encode()
        except UnicodeError:
            return None
        return Dependencies._make([*map(tuple, names), self._lacks])

    def _counted(self, path: Any) -> str | None:
        """The absolute name, if it counts."""
        if isinstance(path, int) or path is None:
            return None
        try:
            name = os.path.abspath(os.fsdecode(path))
        except (TypeError, ValueError, OSError):
            return None
        return name if not name.startswith(_MACHINE) and "\0" not in name and self._counts(name) else None


@contextmanager
def watching(counts: Counts, *, follows_imports: bool) -> Iterator[Watch]:
    """While this lasts, the process is watched. Without `follows_imports` it is no matter what Python imports."""
    watch = Watch(counts, follows_imports=follows_imports)
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked.append(True)
    stat, lstat, encode = os.stat, os.lstat, os.environ.encodekey

    def encoded(name: str) -> str:
        if isinstance(name, str) and watch in _watching:
            watch.read_variable(name)
        return encode(name)

    _watching.append(watch)
    # `os.path.exists` and `getenv` end in these.
    os.stat, os.lstat, os.environ.encodekey = _noting(watch, stat), _noting(watch, lstat), encoded
    try:
        yield watch
    finally:
        os.stat, os.lstat, os.environ.encodekey = stat, lstat, encode
        _watching.remove(watch)


@contextmanager
def unwatched() -> Iterator[None]:
    """What happens in here is no matter to any watch."""
    before = _watching[:]
    _watching.clear()
    try:
        yield
    finally:
        _watching[:] = before


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not _watching or event not in ("open", "os.listdir", "os.scandir", "os.mkdir"):
        return
    watch = _watching[-1]
    if event == "open":
        if watch.follows_imports or not _is_import():
            watch.opened(args[0], args[2])
    elif event == "os.mkdir":
        watch.opened(args[0], os.O_CREAT)
    elif not _is_import():
        watch.listed(args[0])


def _is_import() -> bool:
    """Whether the import system asks. Which folders it lists is no matter: `looked_for` says what it wants there."""
    filename = sys._getframe(2).f_code.co_filename
    return filename.startswith("<frozen importlib") or f"{os.sep}importlib{os.sep}metadata" in filename


def _noting(watch: Watch, original: Callable[..., os.stat_result]) -> Any:
    def stat(path: Any, *args: Any, **kwargs: Any) -> os.stat_result:
        if kwargs.get("dir_fd") is None and watch in _watching:
            watch.asked(path)
        return original(path, *args, **kwargs)

    for functions in _STAT_SETS:
        if original in functions:
            functions.add(stat)
    return stat


def _places(found: ModuleSpec | None) -> tuple[str, ...]:
    """The folders of the path in which a module was found."""
    if found is None:
        return ()
    if found.submodule_search_locations is not None:
        return tuple(os.path.dirname(os.path.abspath(one)) for one in found.submodule_search_locations)
    return (os.path.dirname(os.path.abspath(found.origin)),) if found.origin else ()
