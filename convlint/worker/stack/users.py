"""Which files are the user's own code."""

from __future__ import annotations

import sysconfig
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import torch

from convlint.readme import is_readme

IsUser = Callable[[str], bool]

_LIBRARIES = tuple({str(Path(sysconfig.get_path(name))) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_NEVER = (str(Path(torch.__file__).parent), str(Path(__file__).parents[2]))


def user_test(path: str, roots: Sequence[str]) -> IsUser:
    """A test for files that a finding may stand in: below the project's folders, in no library, no README.

    A file that is linted inside a library makes that library's folder count as the user's.
    """
    home = str(Path(path).parent)

    @cache
    def is_user(filename: str) -> bool:
        if filename.startswith("<") or _below(filename, _NEVER) or is_readme(filename):
            return False
        if filename == path:
            return True
        if _below(filename, _LIBRARIES):
            return _below(filename, (home,))
        return _below(filename, (*roots, home))

    return is_user


def is_library(filename: str) -> bool:
    """Whether a file comes with Python, an installed package or convlint, so that their versions tell what is in it."""
    return _below(filename, (*_LIBRARIES, *_NEVER))


def _below(filename: str, folders: Sequence[str]) -> bool:
    return any(filename.startswith(folder.rstrip("/\\") + sep) for folder in folders for sep in ("/", "\\"))
