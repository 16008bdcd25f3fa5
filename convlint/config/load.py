"""Finding and reading the configuration."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from convlint.config.error import ConfigError
from convlint.config.explain import explain
from convlint.config.schema import Settings
from convlint.filenames import display

NAME = "pyproject.toml"


@dataclass(frozen=True, slots=True, eq=False)
class Config:
    """Settings, and the folder that the paths in them are relative to. There is one value for each file."""

    folder: str
    settings: Settings
    path: str | None = None  # None: there is no file, these are the defaults


def load_config(folder: str, chosen: str | None = None) -> Config:
    """The configuration for the files of a folder: the file chosen by `--config`, else the nearest, going up,
    whose pyproject.toml has a `[tool.convlint]`, else the defaults. Raises ConfigError."""
    if chosen is not None:
        return _chosen(os.path.abspath(chosen))
    return _nearest(folder) or _defaults(os.getcwd())


@lru_cache(maxsize=16)
def _defaults(folder: str) -> Config:
    return Config(folder, Settings())


@lru_cache(maxsize=4096)
def _nearest(folder: str) -> Config | None:
    found = _read(os.path.join(folder, NAME))
    if found is not None:
        return found
    parent = os.path.dirname(folder)
    return None if parent == folder else _nearest(parent)


@lru_cache(maxsize=16)
def _chosen(path: str) -> Config:
    if not os.path.isfile(path):
        raise ConfigError(f"{display(path)}: there is no such configuration file")
    found = _read(path)
    if found is None:
        raise ConfigError(f"{display(path)}: has no [tool.convlint] table")
    return found


def _read(path: str) -> Config | None:
    """None for a file that is missing, or says nothing of convlint."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(f"{display(path)}: cannot be read: {error.strerror or error}") from None
    if b"convlint" not in data:
        return None
    try:
        text = data.decode()
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{display(path)}: is not valid UTF-8 (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{display(path)}: is not valid TOML: {error}") from None
    given = section(document)
    if given is None:
        return None
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        raise ConfigError(*explain(error, display(path), text)) from None
    return Config(os.path.dirname(path), settings, path)


def section(document: Mapping[str, Any]) -> Any:
    """The `[tool.convlint]` of a file, None where it has none."""
    tool = document.get("tool")
    return tool.get("convlint") if isinstance(tool, Mapping) else None
