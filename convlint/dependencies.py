"""What the outcome of some work depends on, by names: plain values, quick to import."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple


class Dependencies(NamedTuple):
    """Names of files and folders are absolute."""

    files: tuple[str, ...] = ()  # read, or looked for without success
    folders: tuple[str, ...] = ()  # whose content was listed
    paths: tuple[str, ...] = ()  # whose being there was asked for
    modules: tuple[str, ...] = ()  # where an import found nothing: "/project/net" for net.py, a folder net and the like
    packages: tuple[str, ...] = ()  # imported from the libraries, besides what torch itself imports
    variables: tuple[str, ...] = ()  # of the environment
    lacks_modules: bool = False  # a module was found nowhere, so that the next package installed may have it


def joined(several: Iterable[Dependencies]) -> Dependencies:
    """All that any of them names."""
    parts = list(several)

    def names(field: int) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for part in parts for name in part[field]))  # type: ignore[union-attr]

    return Dependencies._make([*map(names, range(6)), any(part.lacks_modules for part in parts)])


def parse(value: Any) -> Dependencies:
    """Dependencies out of JSON. Raises ValueError for anything else."""
    if not isinstance(value, list) or len(value) != len(Dependencies._fields):
        raise ValueError("these are no dependencies")
    *names, lacks = value
    if not isinstance(lacks, bool) or not all(map(_is_names, names)):
        raise ValueError("these are no names")
    return Dependencies._make([*map(tuple, names), lacks])


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
