"""Where a file is in its project: the name it is imported under, and where its imports are looked up."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from convlint.notebook import SUFFIX, is_notebook
from convlint.readme import is_readme

_MARKERS = ("pyproject.toml", ".git", "setup.py", "setup.cfg")


@dataclass(frozen=True, slots=True)
class ImportPath:
    path: str  # absolute
    module: str  # dotted: "models.net"
    root: str  # the project's folder
    search_path: tuple[str, ...]  # in the order of look-up

    @property
    def package(self) -> str:
        """What a relative import starts from."""
        if os.path.basename(self.path) == "__init__.py":
            return self.module
        return self.module.rpartition(".")[0]


def locate(path: str, given: str, *, relative_imports: bool) -> ImportPath:
    """The place of a file that the path argument `given` led to.

    A file with relative imports in a folder without `__init__.py` is a member of a namespace package, whose
    top is the project's root.
    """
    folder = os.path.dirname(path)
    is_never_imported = is_notebook(path) or is_readme(path)
    top = folder if is_never_imported else _above_package(folder)
    root = _project_root(folder) or (given if os.path.isdir(given) else top)
    if top == folder and relative_imports and not is_never_imported and folder.startswith(root) and folder != root:
        top = root
    search = dict.fromkeys((top, root))
    search.update(dict.fromkeys(_sources(root)))
    return ImportPath(path, _module_name(path, top), root, tuple(search))


@lru_cache(maxsize=256)
def _sources(root: str) -> tuple[str, ...]:
    """The folders that hold a project's packages: `src`, and what pyproject.toml names."""
    try:
        with open(os.path.join(root, "pyproject.toml"), "rb") as file:
            tool = tomllib.load(file).get("tool", {})
    except (OSError, tomllib.TOMLDecodeError):
        tool = {}
    names = ["src", *(name for name in _named_sources(tool) if isinstance(name, str))]
    return tuple(
        dict.fromkeys(path for name in names if os.path.isdir(path := os.path.normpath(os.path.join(root, name))))
    )


def _named_sources(tool: Mapping[str, Any]) -> Iterator[object]:
    """As setuptools, poetry and hatch have them."""
    with suppress(AttributeError, TypeError, KeyError):
        packages = tool.get("setuptools", {}).get("packages", {})
        yield from packages.get("find", {}).get("where", ()) if isinstance(packages, dict) else ()
    with suppress(AttributeError, TypeError, KeyError):
        yield tool.get("setuptools", {}).get("package-dir", {}).get("")
    with suppress(AttributeError, TypeError, KeyError):
        yield from (one.get("from") for one in tool.get("poetry", {}).get("packages", ()))
    with suppress(AttributeError, TypeError, KeyError):
        wheel = tool.get("hatch", {}).get("build", {}).get("targets", {}).get("wheel", {})
        yield from (os.path.dirname(name) for name in wheel.get("packages", ()))


def _module_name(path: str, top: str) -> str:
    relative = os.path.relpath(path, top)
    parts = relative.removesuffix(".py").split(os.sep)
    if is_notebook(path) or is_readme(path):
        return _identifier(parts[-1].removesuffix(SUFFIX))
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    return ".".join(part.replace(".", "_") for part in parts)


def _identifier(stem: str) -> str:
    """Nobody imports a notebook, so any name will do that is one: "01 - Net" -> "_01___Net"."""
    name = re.sub(r"\W", "_", stem)
    return name if name.isidentifier() else f"_{name}"


@lru_cache(maxsize=4096)
def _above_package(folder: str) -> str:
    """The folder above the topmost package that holds the folder, or the folder itself."""
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        parent = os.path.dirname(folder)
        if parent == folder:
            break
        folder = parent
    return folder


@lru_cache(maxsize=4096)
def _project_root(folder: str) -> str | None:
    """The nearest folder, upward, that has a project's marker."""
    if any(os.path.exists(os.path.join(folder, marker)) for marker in _MARKERS):
        return folder
    parent = os.path.dirname(folder)
    return None if parent == folder else _project_root(parent)
