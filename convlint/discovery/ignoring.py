"""What a walk leaves out: the default folders, `exclude` patterns and .gitignore files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pathspec import GitIgnoreSpec

DEFAULT_FOLDERS = frozenset(
    {
        ".bzr",
        ".direnv",
        ".eggs",
        ".git",
        ".hg",
        ".ipynb_checkpoints",
        ".mypy_cache",
        ".nox",
        ".pants.d",
        ".pyenv",
        ".pytest_cache",
        ".pytype",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        ".vscode",
        "__pycache__",
        "__pypackages__",
        "_build",
        "buck-out",
        "build",
        "dist",
        "node_modules",
        "site-packages",
        "venv",
    }
)
"""Folders by these names are not entered, unless a `!` pattern in `exclude` takes one back."""


@dataclass(frozen=True, slots=True)
class Patterns:
    """gitignore patterns, and the folder that they are relative to."""

    folder: str
    spec: GitIgnoreSpec

    def verdict(self, path: str, *, is_folder: bool) -> bool | None:
        """True: left out; False: taken back by a `!` pattern; None: not spoken of."""
        inside = self.folder.rstrip(os.sep) + os.sep
        if not path.startswith(inside):
            return None
        relative = path[len(inside) :].replace(os.sep, "/")
        return self.spec.check_file(relative + "/" if is_folder else relative).include


def compile_patterns(folder: str, lines: Iterable[str]) -> Patterns:
    """Raises ValueError for a pattern that is not one of gitignore's."""
    return Patterns(folder, GitIgnoreSpec.from_lines(lines))


def verdict(path: str, layers: Sequence[Patterns], *, is_folder: bool) -> bool | None:
    """What the last of the layers that speaks of the path says, as git decides it."""
    found = (patterns.verdict(path, is_folder=is_folder) for patterns in reversed(layers))
    return next((said for said in found if said is not None), None)


@lru_cache(maxsize=4096)
def gitignore(folder: str) -> Patterns | None:
    """The patterns of the folder's own .gitignore; a file that git could not read either counts as none."""
    try:
        with open(os.path.join(folder, ".gitignore"), encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    try:
        return compile_patterns(folder, lines)
    except ValueError:
        return compile_patterns(folder, [line for line in lines if _is_pattern(line)])


def inherited(folder: str) -> list[Patterns]:
    """The .gitignore files above the folder up to its repository, outermost first.

    One that leaves out the folder itself is no longer asked, because the user named the folder.
    """
    above: list[Patterns] = []
    here = folder
    while not os.path.exists(os.path.join(here, ".git")):
        parent = os.path.dirname(here)
        if parent == here:
            return []
        here = parent
        patterns = gitignore(here)
        if patterns is not None and not patterns.verdict(folder, is_folder=True):
            above.append(patterns)
    return above[::-1]


def _is_pattern(line: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True
