"""Packages that are loaded at the first use of something that only they define."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Collection, Mapping
from types import ModuleType
from typing import Any


class _Deferred(ModuleType):
    """A package whose `__init__` has not run yet. `_light` are submodules that load without it."""

    _light: frozenset[str]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in self._light:
            return importlib.import_module(f"{self.__name__}.{name}")
        load(self.__name__)
        return getattr(self, name)


class _Finder:
    """Runs the real package before any submodule that is not light is imported, since they import each other."""

    def __init__(self, package: str, light: frozenset[str]) -> None:
        self.package, self.light = package, light

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        parent, _, leaf = name.rpartition(".")
        if parent == self.package and leaf not in self.light:
            load(self.package)


def defer(package: str, *, light: Collection[str] = (), given: Mapping[str, Any] | None = None) -> None:
    """Keep a package unloaded, but for what is `given` until it is; a no-op if it is loaded already."""
    parent, _, leaf = package.rpartition(".")
    if package in sys.modules:
        return
    try:
        spec = importlib.util.find_spec(package)  # loads the parent
    except ImportError:
        return
    if spec is None or spec.submodule_search_locations is None:
        return
    module = _Deferred(package)
    vars(module).update(given or {}, _light=frozenset(light), __spec__=spec, __file__=spec.origin)
    vars(module).update(__path__=list(spec.submodule_search_locations), __package__=package, __loader__=spec.loader)
    sys.modules[package] = module
    setattr(sys.modules[parent], leaf, module)
    sys.meta_path.insert(0, _Finder(package, frozenset(light)))


def take_back(package: str, name: str) -> None:
    """From now on whoever asks a deferred package for this name gets the real one."""
    module = sys.modules.get(package)
    if isinstance(module, _Deferred):
        vars(module).pop(name, None)


def load(package: str) -> None:
    """Run the real package in the place of the deferred one."""
    module = sys.modules.get(package)
    if not isinstance(module, _Deferred) or module.__spec__ is None or module.__spec__.loader is None:
        return
    sys.meta_path[:] = [f for f in sys.meta_path if not (isinstance(f, _Finder) and f.package == package)]
    loader = module.__spec__.loader
    object.__setattr__(module, "__class__", ModuleType)
    loader.exec_module(module)
