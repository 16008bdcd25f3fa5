"""Files with a checksum in a folder that several runs may share.

An entry is written next to its place and moved there, so that nobody reads half of one. What is damaged is dropped.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from dataclasses import dataclass

LIMIT = 256 * 1000 * 1000
"""The bytes that a cache may take."""

_ENTRIES = "entries"
_TAG, _IGNORE = "CACHEDIR.TAG", ".gitignore"
_OWN_FILES = {
    _TAG: b"Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache of convlint.\n",
    _IGNORE: b"# Made by convlint.\n*\n",
}
_SUFFIX, _UNFINISHED = ".entry", ".new"
_MAGIC = b"convlint cache 1 "
_AFTER_SWEEP = 0.8  # of the limit
_FRESH = 3600.0  # seconds: an entry used within them needs no new time of use


@dataclass(frozen=True, slots=True)
class Removed:
    """What `clear` took away."""

    entries: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Store:
    """Entries by name. Only `put` and `clear` raise OSError."""

    folder: str
    limit: int = LIMIT

    def get(self, name: str) -> bytes | None:
        """The content of an entry, None where there is none."""
        path = self._path(name)
        try:
            with open(path, "rb") as file:
                data = file.read()
                age = time.time() - os.fstat(file.fileno()).st_mtime
        except OSError:
            return None
        head, _, body = data.partition(b"\n")
        if head != _head(body):
            self.drop(name)
            return None
        if not -_FRESH < age < _FRESH:
            with suppress(OSError):
                os.utime(path)  # the sweep removes what was not used for the longest time
        return body

    def put(self, name: str, body: bytes) -> None:
        """Keep an entry, in place of the one that has its name."""
        os.makedirs(self._entries, exist_ok=True)
        self._mark()
        path = self._path(name)
        unfinished = f"{path}.{os.getpid()}.{os.urandom(4).hex()}{_UNFINISHED}"
        try:
            with open(unfinished, "wb") as file:
                file.write(_head(body) + b"\n" + body)
            os.replace(unfinished, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(unfinished)
            raise

    def drop(self, name: str) -> None:
        with suppress(OSError):
            os.unlink(self._path(name))

    def sweep(self) -> None:
        """Remove the entries that were not used for the longest time, as far as there are too many."""
        found = sorted(self._files())
        size = sum(size for _, size, _ in found)
        if size > self.limit:
            for _, one, path in found:
                if size <= self.limit * _AFTER_SWEEP:
                    break
                with suppress(OSError):
                    os.unlink(path)
                size -= one
        for used, _, path in found:
            if path.endswith(_UNFINISHED) and used < time.time() - _FRESH:
                with suppress(OSError):
                    os.unlink(path)

    def clear(self) -> Removed:
        """Remove all that convlint has put into the folder, and the folder if nothing else is in it."""
        count = size = 0
        for _, one, path in self._files():
            os.unlink(path)
            count, size = count + path.endswith(_SUFFIX), size + one
        for name, content in _OWN_FILES.items():
            path = os.path.join(self.folder, name)
            with suppress(OSError):
                if _read(path) == content:
                    os.unlink(path)
        for folder in (self._entries, self.folder):
            with suppress(OSError):
                os.rmdir(folder)
        return Removed(count, size)

    @property
    def _entries(self) -> str:
        return os.path.join(self.folder, _ENTRIES)

    def _path(self, name: str) -> str:
        return os.path.join(self._entries, name + _SUFFIX)

    def _mark(self) -> None:
        """Tell backups and git that this is a cache."""
        for name, content in _OWN_FILES.items():
            with suppress(FileExistsError), open(os.path.join(self.folder, name), "xb") as file:
                file.write(content)

    def _files(self) -> list[tuple[float, int, str]]:
        """When each file was used last, its size and its path."""
        found: list[tuple[float, int, str]] = []
        with suppress(OSError), os.scandir(self._entries) as entries:
            for entry in entries:
                if entry.name.endswith((_SUFFIX, _UNFINISHED)):
                    with suppress(OSError):
                        status = entry.stat(follow_symlinks=False)
                        found.append((status.st_mtime, status.st_size, entry.path))
        return found


def _head(body: bytes) -> bytes:
    return _MAGIC + hashlib.blake2b(body, digest_size=16).hexdigest().encode()


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
