"""How files are called in everything that people read."""

from __future__ import annotations

import os


def display(path: str) -> str:
    """An absolute path as reports print it: relative to the working directory where it lies below it."""
    here = os.getcwd().rstrip(os.sep) + os.sep
    return path[len(here) :] if path.startswith(here) else path
