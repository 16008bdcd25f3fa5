"""Files that a constructor opens by a relative path: found where the script would have been started."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import chdir
from typing import TypeVar

T = TypeVar("T")


def beside(make: Callable[[], T], folders: Iterable[str]) -> T:
    """Again in the first of the folders that has the file, where a file is not found."""
    try:
        return make()
    except FileNotFoundError as error:
        name = error.filename
        if not isinstance(name, str) or os.path.isabs(name):
            raise
        folder = next((folder for folder in folders if os.path.exists(os.path.join(folder, name))), None)
        if folder is None:
            raise
        with chdir(folder):
            return make()
