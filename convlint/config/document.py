"""The text of a pyproject.toml: which one an entry belongs into, and what may be added to it."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from convlint.config.error import ConfigError
from convlint.config.explain import explain
from convlint.config.load import NAME, Config, section
from convlint.config.schema import Settings
from convlint.filenames import display

_TABLE = "[[tool.convlint.model]]"
_UNFILLED = re.compile(r"^[ \t]*(?:kwargs|inputs|\{)[^\n]*#[ \t]*fill in\b", re.M)


def home_of(folder: str, config: Config) -> str:
    """The file that entries for the models of a folder belong into; it need not exist.

    Without a `[tool.convlint]` that holds for the folder, it is the nearest pyproject.toml of the repository, else
    one in the working directory.
    """
    if config.path is not None:
        return config.path
    for parent in _upward(folder):
        if os.path.isfile(os.path.join(parent, NAME)):
            return os.path.join(parent, NAME)
        if os.path.exists(os.path.join(parent, ".git")):
            break
    here = os.getcwd()
    is_inside = os.path.commonpath([here, folder]) == here
    return os.path.join(here if is_inside else folder, NAME)


def takes_tables(text: str) -> bool:
    """Whether tables of models may stand at the end; not where they are written as one array."""
    try:
        tomllib.loads(f"{text}\n{_TABLE}\n")
    except tomllib.TOMLDecodeError:
        return False
    return True


def unfilled_rows(text: str) -> tuple[int, ...]:
    """The lines of entries that are still marked as to be filled in."""
    return tuple(text.count("\n", 0, match.start()) + 1 for match in _UNFILLED.finditer(text))


def read_text(path: str) -> str:
    """The text of a file as it is, empty where there is none. Raises ConfigError."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise ConfigError(f"{display(path)}: is not valid UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise ConfigError(f"{display(path)}: cannot be read: {error.strerror or error}") from None


def extended(path: str, text: str, stanzas: str) -> str:
    """The text with stanzas after it, and nothing else changed.

    Raises ConfigError where the file cannot take them, so that nothing is written that could not be read.
    """
    before = _document(path, text)
    header = "" if section(before) is not None else "[tool.convlint]\n\n"
    end = "\r\n" if "\r\n" in text else "\n"
    gap = "" if not text.strip() else end if text.endswith("\n") else end * 2
    whole = text + gap + (header + stanzas).replace("\n", end)
    try:
        added = section(tomllib.loads(whole))
        Settings.model_validate(added)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{display(path)}: cannot take more tables at its end: {error}") from None
    except ValidationError as error:
        raise ConfigError(*explain(error, display(path), whole)) from None
    return whole


def _document(path: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{display(path)}: is not valid TOML: {error}") from None


def _upward(folder: str) -> Iterator[str]:
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent
