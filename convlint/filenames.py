"""How files are called in everything that people read."""

from __future__ import annotations

import os


def display(path: str, folder: str | None = None) -> str:
    """An absolute path as reports print it: relative to the working directory where it lies below it.

    User code may go elsewhere, hence `folder`, which is where it started.
    """
    here = (os.getcwd() if folder is None else folder).rstrip(os.sep) + os.sep
    return path[len(here) :] if path.startswith(here) else path
