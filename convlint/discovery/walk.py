"""From the paths on the command line to the Python files and notebooks below them."""

from __future__ import annotations

import difflib
import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from convlint.discovery.ignoring import DEFAULT_FOLDERS, Patterns, gitignore, inherited, verdict
from convlint.notebook import SUFFIXES, is_notebook

Excludes = Callable[[str], Sequence[Patterns]]
"""The exclude patterns that hold for a folder."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to lint."""

    path: str  # absolute
    given: str  # the path argument that led to it, absolute
    explicit: bool  # named itself, not met on a walk
    targets: tuple[str, ...] = ()  # of `file.py:Net`: only these


@dataclass(slots=True)
class Walk:
    """The files in the order found, and what was wrong with the paths."""

    files: dict[str, FoundFile] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, found: FoundFile) -> None:
        before = self.files.get(found.path)
        if before is None:
            self.files[found.path] = found
        elif found.explicit and (before.targets or not before.explicit):
            # A file named twice is linted once, and whole as soon as it is named whole.
            targets = before.targets + found.targets if before.targets and found.targets else ()
            self.files[found.path] = FoundFile(found.path, found.given, True, targets)


def walk(paths: Sequence[str], excludes: Excludes) -> Walk:
    """Every Python file and notebook that the paths stand for. Relative paths are taken from the working directory."""
    result = Walk()
    for path in paths:
        _add_path(path, excludes, result)
    return result


def python_files(folder: str, excludes: Excludes) -> Iterator[str]:
    """The Python files below a folder, without its notebooks and without a complaint about what cannot be read."""
    files = _walk_folder(folder, inherited(folder), excludes, [])
    return (file for file in files if not is_notebook(file))


def split_target(path: str) -> tuple[str, str | None]:
    """`net.py:Net` -> (`net.py`, `Net`); a path that exists as it stands is left whole."""
    head, colon, name = path.rpartition(":")
    if colon and name.isidentifier() and not os.path.exists(path) and head.endswith(SUFFIXES):
        return head, name
    return path, None


def _add_path(path: str, excludes: Excludes, result: Walk) -> None:
    plain, target = split_target(path)
    absolute = os.path.abspath(plain)
    if os.path.isdir(absolute):
        for file in _walk_folder(absolute, inherited(absolute), excludes, result.problems):
            result.add(FoundFile(file, absolute, explicit=False))
    elif os.path.lexists(absolute):
        result.add(FoundFile(absolute, absolute, True, (target,) if target else ()))
    elif glob.has_magic(plain):
        _add_glob(plain, result)
    else:
        result.problems.append(f"{plain}: no such file or directory{_suggestion(absolute)}")


def _add_glob(pattern: str, result: Walk) -> None:
    matches = sorted(glob.glob(pattern, recursive=True))
    if not matches:
        result.problems.append(f"{pattern}: no file matches this pattern")
    for match in matches:
        absolute = os.path.abspath(match)
        if os.path.isdir(absolute):
            continue  # `**/*` meets the files of a folder by themselves
        if absolute.endswith(SUFFIXES):
            result.add(FoundFile(absolute, absolute, explicit=True))


def _suggestion(absolute: str) -> str:
    folder, name = os.path.split(absolute)
    try:
        near = difflib.get_close_matches(name, os.listdir(folder), n=1)
    except OSError:
        return ""
    return f"; did you mean {near[0]!r}?" if near else ""


def _walk_folder(folder: str, layers: list[Patterns], excludes: Excludes, problems: list[str]) -> Iterator[str]:
    """In the order of names, files before folders. Linked folders are not entered, so no loop can be."""
    pending = [(folder, layers)]
    while pending:
        here, layers = pending.pop()
        try:
            entries = _listed(here)
        except OSError as error:
            problems.append(f"{here}: {error.strerror or error}")
            continue
        own = gitignore(here) if any(entry.name == ".gitignore" for entry in entries) else None
        layers = [*layers, own] if own else layers
        # A pattern that leaves out the very folder that the user named is not asked.
        excluded = [patterns for patterns in excludes(here) if not patterns.verdict(folder, is_folder=True)]
        kept = [entry for entry in entries if _is_kept(entry, excluded, layers)]
        yield from (entry.path for entry in kept if not _is_folder(entry))
        pending.extend((entry.path, layers) for entry in reversed(kept) if _is_folder(entry))


def _listed(folder: str) -> list[os.DirEntry[str]]:
    """The entries of a folder in the order of their names."""
    with os.scandir(folder) as listing:
        return sorted(listing, key=lambda entry: entry.name)


def _is_kept(entry: os.DirEntry[str], excluded: Sequence[Patterns], layers: Sequence[Patterns]) -> bool:
    """Whether an entry is a Python file, a notebook or a folder to enter."""
    is_folder = _is_folder(entry)
    if not is_folder and (not entry.name.endswith(SUFFIXES) or os.path.isdir(entry.path)):
        return False
    said = verdict(entry.path, excluded, is_folder=is_folder)
    if said is None and is_folder and entry.name in DEFAULT_FOLDERS:
        return False
    if said or verdict(entry.path, layers, is_folder=is_folder):
        return False
    return not (is_folder and os.path.exists(os.path.join(entry.path, "pyvenv.cfg")))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
