"""Signatures from their TOML files: those that come with convlint, and those of a project."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from convlint.complaint import Complaint
from convlint.filenames import display
from convlint.shipped import shipped_rules
from convlint.signatures.document import SignatureFile
from convlint.signatures.explain import explain
from convlint.signatures.schema import SignatureEntry

FOLDER = "signatures"
"""Beside the groups of rules."""

Table = Mapping[str, tuple[SignatureEntry, ...]]
"""The ways to call each operator, by the names that it is imported under."""


class SignatureError(Complaint):
    """A signature file that cannot be used; the message names the file, the line and the key."""


def read_signatures(text: str, filename: str) -> tuple[SignatureEntry, ...]:
    """The signatures in a text; `filename` is for messages. Raises SignatureError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SignatureError(f"{filename}: is not valid TOML: {error}") from None
    try:
        return SignatureFile.model_validate(document).signature
    except ValidationError as error:
        raise SignatureError(*explain(error, filename, text)) from None


def texts_of(folder: str, names: Sequence[str]) -> dict[str, str]:
    """The texts of a project's signature files by path; a folder stands for the TOML files in it.

    Raises SignatureError for a file that is not there, or holds a mistake.
    """
    found: dict[str, str] = {}
    problems: list[str] = []
    for path in _files(folder, names, problems):
        try:
            text = Path(path).read_text(encoding="utf-8")
            read_signatures(text, display(path))
            found[path] = text
        except SignatureError as error:
            problems.extend(error.sentences)
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{display(path)}: cannot be read: {error}")
    if problems:
        raise SignatureError(*problems)
    return found


def _files(folder: str, names: Sequence[str], problems: list[str]) -> Iterator[str]:
    for name in names:
        path = os.path.normpath(os.path.join(folder, name))
        if os.path.isdir(path):
            yield from (os.path.join(path, one) for one in sorted(os.listdir(path)) if one.endswith(".toml"))
        elif os.path.isfile(path):
            yield path
        else:
            problems.append(f'{display(path)}: there is no such file or folder; "signatures" names it')


def table_of(entries: Sequence[SignatureEntry]) -> dict[str, tuple[SignatureEntry, ...]]:
    """The signatures by name, each name's in their order."""
    found: dict[str, tuple[SignatureEntry, ...]] = {}
    for entry in entries:
        for name in entry.names:
            found[name] = (*found.get(name, ()), entry)
    return found


@lru_cache(maxsize=64)
def shipped(package: str) -> Table:
    """The signatures of a package that come with convlint."""
    folder = shipped_rules()
    path = folder / FOLDER / f"{package}.toml" if folder is not None else None
    if path is None or not path.is_file():
        return {}
    return table_of(read_signatures(path.read_text(encoding="utf-8"), str(path)))
