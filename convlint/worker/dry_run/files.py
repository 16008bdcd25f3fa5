"""Files of a program: those that are there are read, others are unknown or noise, and nothing is written."""

from __future__ import annotations

import glob
import io
import os
import pathlib
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import CodeType
from typing import Any

import numpy as np

from convlint.facts import Reason
from convlint.jobs import Job
from convlint.worker.dry_run import noise
from convlint.worker.dry_run.frames import outwards
from convlint.worker.dry_run.patches import Patches
from convlint.worker.dry_run.rewriting import HOOKS
from convlint.worker.dry_run.unknown import UnknownValue
from convlint.worker.dry_run.world import current

_ENDING = re.compile(r"\*?(\.[A-Za-z][A-Za-z0-9]{1,6}(?:\.gz)?)")
_OTHERS = (".py", ".pt", ".pth", ".pkl", ".txt", ".log", ".yaml", ".yml", ".json", ".csv", ".ckpt")
_STUB = "convlint"
_WRITING = frozenset("wax+")


_WRITERS: dict[Any, tuple[str, ...]] = {
    os: ("makedirs", "mkdir", "remove", "unlink", "rmdir", "removedirs", "rename", "renames", "replace", "symlink"),
    shutil: ("rmtree", "copy", "copy2", "copyfile", "copytree", "move", "make_archive"),
    pathlib.Path: ("mkdir", "unlink", "rmdir", "rename", "replace", "touch", "symlink_to", "write_text", "write_bytes"),
}


def absent(path: Any) -> UnknownValue:
    """The contents of a file that is not here."""
    return UnknownValue("_", Reason(kind="file-absent", name=str(path)))


class ProgramFiles:
    """The file system as the program sees it."""

    def __init__(self, job: Job, folders: Sequence[str]) -> None:
        self._folders = (*folders, *job.search_path)

    def builtins(self) -> dict[str, Any]:
        return {"open": self.open}

    def at(self, path: Any) -> str | None:
        """Where a file is, from any folder that the program may be started in; None where it is not here."""
        try:
            name = os.fspath(path)
        except TypeError:
            return None
        if isinstance(name, bytes) or os.path.exists(name):
            return os.fsdecode(name)
        found = (os.path.join(folder, name) for folder in self._folders) if not os.path.isabs(name) else ()
        return next((one for one in found if os.path.exists(one)), None)

    def open(self, file: Any, mode: Any = "r", *args: Any, **kwargs: Any) -> Any:
        if isinstance(file, int) or not isinstance(mode, str):
            return open(file, mode, *args, **kwargs)
        if not _WRITING.isdisjoint(mode):
            return io.BytesIO() if "b" in mode else io.StringIO()
        if isinstance(file, UnknownValue):
            return file
        found = self.at(file)
        return absent(file) if found is None else open(found, mode, *args, **kwargs)

    def path_open(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def path_open(path: pathlib.Path, *args: Any, **kwargs: Any) -> Any:
            return self.open(path, *args, **kwargs) if is_asked_by_program() else original(path, *args, **kwargs)

        return path_open

    def listed(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def listdir(path: Any = ".") -> Any:
            found = self.at(path)
            if found is None and isinstance(path, str | os.PathLike) and is_asked_by_program():
                return _stubs(_ending())
            return original(found or path)

        return listdir

    def globbed(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def find(pattern: Any, *args: Any, **kwargs: Any) -> Any:
            found = list(original(pattern, *args, **kwargs))
            if found or not isinstance(pattern, str) or not glob.has_magic(pattern) or not is_asked_by_program():
                return found
            for folder in self._folders:
                found = list(original(os.path.join(folder, pattern), *args, **kwargs))
                if found:
                    return found
            first = re.split(r"[*?\[]", pattern)[0]
            folder = first if first.endswith(os.sep) else os.path.dirname(first)
            return [] if self.at(folder or ".") is not None else _filled(pattern)

        return find

    def walked(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def walk(top: Any, *args: Any, **kwargs: Any) -> Any:
            found = self.at(top)
            if found is None and isinstance(top, str | os.PathLike) and is_asked_by_program():
                return iter([(str(top), [], _stubs(_ending()))])
            return original(found or top, *args, **kwargs)

        return walk

    def path_globbed(self, original: Callable[..., Any], *, deep: bool) -> Callable[..., Any]:
        def find(path: pathlib.Path, pattern: str, *args: Any, **kwargs: Any) -> Any:
            if not is_asked_by_program():
                return original(path, pattern, *args, **kwargs)
            if self.at(path) is not None:
                return original(pathlib.Path(str(self.at(path))), pattern, *args, **kwargs)
            start = str(path / "x") if deep else str(path)
            return iter([pathlib.Path(one) for one in _filled(os.path.join(start, pattern))])

        return find

    def path_listed(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def find(path: pathlib.Path) -> Any:
            if self.at(path) is not None or not is_asked_by_program():
                return original(pathlib.Path(self.at(path) or path))
            return iter([path / name for name in _stubs(_ending())])

        return find

    def read(self, original: Callable[..., Any], otherwise: Callable[[Any], Any]) -> Callable[..., Any]:
        """A function that reads a file, and what it gives where there is none."""

        def load(file: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(file, UnknownValue):
                return file
            if not isinstance(file, str | os.PathLike) or not is_asked_by_program():
                return original(file, *args, **kwargs)
            found = self.at(file)
            return otherwise(file) if found is None else original(found, *args, **kwargs)

        return load

    @contextmanager
    def found(self) -> Iterator[None]:
        with Patches() as patches:
            self._put_folders(patches)
            self._put_readers(patches)
            self._put_writers(patches)
            yield

    def _put_folders(self, patches: Patches) -> None:
        patches.put(os, "listdir", self.listed(os.listdir))
        patches.put(os, "walk", self.walked(os.walk))
        patches.put(glob, "glob", self.globbed(glob.glob))
        patches.put(glob, "iglob", self.globbed(glob.iglob))
        patches.put(pathlib.Path, "glob", self.path_globbed(pathlib.Path.glob, deep=False))
        patches.put(pathlib.Path, "rglob", self.path_globbed(pathlib.Path.rglob, deep=True))
        patches.put(pathlib.Path, "iterdir", self.path_listed(pathlib.Path.iterdir))

    def _put_readers(self, patches: Patches) -> None:
        for name in ("load", "loadtxt", "genfromtxt", "fromfile"):
            patches.put(np, name, self.read(getattr(np, name), absent))
        patches.put(pathlib.Path, "open", self.path_open(pathlib.Path.open))
        for name in ("read_text", "read_bytes"):
            patches.put(pathlib.Path, name, self.read(_of_path(getattr(pathlib.Path, name)), absent))

    def _put_writers(self, patches: Patches) -> None:
        for owner, names in _WRITERS.items():
            for name in names:
                if hasattr(owner, name):
                    patches.put(owner, name, _unwritten(getattr(owner, name)))
        for name in ("save", "savez", "savez_compressed", "savetxt"):
            patches.put(np, name, _unwritten(getattr(np, name)))


def _of_path(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda name, *args, **kwargs: original(pathlib.Path(name), *args, **kwargs)


def _unwritten(original: Callable[..., Any]) -> Callable[..., Any]:
    def write(*args: Any, **kwargs: Any) -> Any:
        return None if is_asked_by_program() else original(*args, **kwargs)

    return write


def is_asked_by_program() -> bool:
    """Whether the user's own code makes the call, and no library."""
    own = __name__
    for frame in outwards(sys._getframe(2)):
        if frame.f_globals.get("__name__") != own:
            return HOOKS in frame.f_builtins
    return False


def _ending() -> str:
    """How the names of files end that the running function asks for: by the texts in it."""
    for frame in outwards(sys._getframe(1)):
        if HOOKS not in frame.f_builtins:
            continue
        found = [match[1] for text in _texts(frame.f_code) for match in [_ENDING.fullmatch(text)] if match]
        chosen = next((one for one in found if one not in _OTHERS), None)
        return chosen or ".jpg"
    return ".jpg"


def _texts(code: CodeType) -> Iterator[str]:
    """The texts in a function, and in the comprehensions inside."""
    for one in code.co_consts:
        if isinstance(one, str):
            yield one
        elif isinstance(one, CodeType):
            yield from _texts(one)


def _stubs(ending: str) -> list[str]:
    count = current().made_up_length("the files of a folder", *noise.FILES)
    return [f"{_STUB}{number:04d}{ending}" for number in range(count)]


def _filled(pattern: str) -> list[str]:
    """Names that a pattern finds in a folder that is not here."""
    ending = os.path.splitext(pattern)[1]
    names = _stubs("" if ending and not glob.has_magic(ending) else _ending())
    whole = pattern.replace("**", _STUB)
    return [re.sub(r"\*|\[[^]]*\]|\?", name.replace("\\", ""), whole) for name in names]
