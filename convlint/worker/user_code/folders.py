"""Files that the user's code opens by a relative path: found wherever its script may be started."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import chdir
from typing import TypeVar

T = TypeVar("T")


def started_in(folders: Iterable[str], make: Callable[[], T]) -> T:
    """Run code in the first of the folders, whatever the working folder is; again in the one that has a missing file.

    That is the first in which the file exists. Raises what the code raises.
    """
    first, *others = [folder for folder in dict.fromkeys(folders) if os.path.isdir(folder)] or [os.getcwd()]
    try:
        with chdir(first):
            return make()
    except FileNotFoundError as error:
        name = _within(error.filename, first)
        folder = next((one for one in others if name and os.path.exists(os.path.join(one, name))), None)
        if folder is None:
            raise
    with chdir(folder):
        return make()


def _within(name: object, folder: str) -> str | None:
    """A missing file as the code names it, also after `os.getcwd()`."""
    if not isinstance(name, str):
        return None
    if not os.path.isabs(name):
        return name
    return os.path.relpath(name, folder) if name.startswith(folder.rstrip(os.sep) + os.sep) else None
