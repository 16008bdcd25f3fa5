"""A look at the bytes of a file that says whether parsing it can be worth the time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_WORDS = (b"torch", b"lightning", b"timm", b"transformers")
_IMPORT = re.compile(rb"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]*(\([^)]*\)|[^\n]*)|import[ \t]+([^\n]*))", re.M)
_BASES = re.compile(rb"^[ \t]*class[ \t]+\w+[ \t]*\(([^)]*)\)", re.M)
_NAME = re.compile(rb"\w+")
_JSON = re.compile(rb"\s*\{")


def mentions_modules(data: bytes) -> bool:
    """Whether a file speaks of torch or one of the libraries that build on it.

    No file defines a model without, unless it takes the base class from another file of its project; for that
    see `imported_words`.
    """
    return any(word in data for word in _WORDS)


def imported_words(data: bytes) -> frozenset[str]:
    """Every name in the import statements of a file: a little too many, never too few."""
    return _words(part for match in _IMPORT.finditer(_plain(data)) for part in match.groups(default=b""))


def sources_of_bases(data: bytes) -> Iterator[str]:
    """The modules, as written, that a file imports a name from which stands among the bases of a class."""
    data = _plain(data)
    bases = _words(_BASES.findall(data))
    if not bases:
        return
    for match in _IMPORT.finditer(data):
        source, names, modules = match.groups(default=b"")
        if source and not bases.isdisjoint(_words([names])):
            yield source.decode("ascii", "replace")
        for module in modules.split(b","):
            path = module.split(b" as ")[0].strip()
            if not bases.isdisjoint(_words([module])):
                yield path.decode("ascii", "replace")


def _plain(data: bytes) -> bytes:
    """A notebook with each line of its cells on a line of its own; to read it as JSON is not worth the time here."""
    return data.replace(b"\\n", b"\n").replace(b'"', b"\n") if _JSON.match(data) else data


def _words(parts: Iterable[bytes]) -> frozenset[str]:
    return frozenset(word.decode("ascii", "replace") for part in parts for word in _NAME.findall(part))
