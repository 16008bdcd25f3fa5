"""The state of what facts depend on: files, folders, installed packages and variables, each looked at once."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Iterable
from functools import cached_property
from importlib.machinery import all_suffixes

from convlint.dependencies import Dependencies

_MOST_READ = 64_000_000  # bytes; of a larger file the size and the time of the last change stand for its content


def digest(*parts: object) -> str:
    """A name for values whose repr tells all of them."""
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


class World:
    """One look at the machine. What was looked at stays as it was seen first."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._folders: dict[str, dict[str, bool]] = {}

    def state(self, depends: Dependencies) -> str:
        """A name for the state of all of it."""
        return digest(
            [(name, self.file(name)) for name in depends.files],
            [(name, sorted(self._entries(name).items())) for name in depends.folders],
            [(name, _kind(name)) for name in depends.paths],
            [(name, self._modules(name)) for name in depends.modules],
            [(name, self.distributions.get(name)) for name in depends.packages],
            [(name, os.environ.get(name)) for name in depends.variables],
            sorted(self.distributions.items()) if depends.lacks_modules else None,
        )

    def file(self, path: str) -> str:
        """A name for the content of a file; says so where there is none."""
        if path not in self._files:
            try:
                self._files[path] = _content(path)
            except (OSError, ValueError):
                self._files[path] = "none"
        return self._files[path]

    @cached_property
    def distributions(self) -> dict[str, str]:
        """The version of each installed distribution, by its name in lower case with underscores.

        Read from the names of their folders: `importlib.metadata` takes longer to be imported than this.
        """
        found: dict[str, str] = {}
        for folder in map(os.path.abspath, sys.path):
            for name in self._entries(folder):
                stem, dot, kind = name.rpartition(".")
                if dot and kind in ("dist-info", "egg-info"):
                    title, _, version = stem.partition("-")
                    found.setdefault(normal(title), version)
        return found

    def _entries(self, folder: str) -> dict[str, bool]:
        """What is in a folder, and whether it is a folder itself."""
        if folder not in self._folders:
            try:
                with os.scandir(folder) as entries:
                    self._folders[folder] = {entry.name: entry.is_dir() for entry in entries}
            except (OSError, ValueError):
                self._folders[folder] = {}
        return self._folders[folder]

    def _modules(self, path: str) -> list[str]:
        """What an import of this name would find."""
        folder, name = os.path.split(path)
        return [suffix for suffix in ("", *all_suffixes()) if name + suffix in self._entries(folder)]


def is_settled(depends: Dependencies, since: int) -> bool:
    """Whether nothing that was looked at has changed since, in nanoseconds: else nobody knows what was seen."""
    if any(_changed(path) >= since for path in (*depends.files, *depends.folders)):
        return False
    return all(_kind(path) == "folder" or _changed(path) < since for path in depends.paths)


def normal(name: str) -> str:
    """The name of a distribution as its folder has it."""
    return name.lower().replace("-", "_").replace(".", "_")


def with_distributions(depends: Dependencies, world: World) -> Dependencies:
    """With the names of distributions in place of the packages that they bring."""
    names = {normal(name) for name in depends.packages}
    unknown = names - world.distributions.keys()
    if unknown:
        names = (names - unknown) | set(_homes(name for name in depends.packages if normal(name) in unknown))
    return depends._replace(packages=tuple(sorted(names)))


def _homes(packages: Iterable[str]) -> Iterable[str]:
    from importlib.metadata import packages_distributions  # reads the files of every distribution

    homes = packages_distributions()
    return (normal(home) for package in packages for home in homes.get(package, ()))


def _content(path: str) -> str:
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        return "no file"
    if status.st_size > _MOST_READ:
        return f"{status.st_size} {status.st_mtime_ns}"
    with open(path, "rb") as file:
        return hashlib.blake2b(file.read(), digest_size=20).hexdigest()


def _kind(path: str) -> str:
    try:
        return "folder" if stat.S_ISDIR(os.stat(path).st_mode) else "file"
    except (OSError, ValueError):
        return "none"


def _changed(path: str) -> int:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return 0
    return max(status.st_mtime_ns, status.st_ctime_ns)
