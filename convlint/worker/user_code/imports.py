"""Import statements of the user's files: real packages where they are, stand-ins where they are not."""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import ModuleType
from typing import Any

from convlint.facts import Reason
from convlint.worker.user_code import operators
from convlint.worker.user_code.standins import Known, StandIn, stood_in
from convlint.worker.user_code.unavailable import Unavailable
from convlint.worker.user_code.wording import first_line

_STDLIB = sys.stdlib_module_names
_CATCHES = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException", "OSError"})


class Importer:
    """`__import__` for the user's files. `missing` collects the packages that were stood in for."""

    def __init__(
        self,
        roots: Sequence[str],
        is_project: Callable[[str], bool],
        known: Known,
        kind: type[StandIn] = StandIn,  # what is in the place of what is not there
    ) -> None:
        self._roots = roots
        self._known = known
        self._kind = kind
        self._here = os.getcwd()
        self._is_project = is_project
        self._standins: dict[str, StandIn] = {}
        self.missing: dict[str, Reason] = {}  # package -> why it is stood in for

    def folders(self, filename: str) -> tuple[str, ...]:
        """Where a script may be started: its own folder, that of its project, and the working folder."""
        return (os.path.dirname(filename), *self._roots, self._here)

    def __call__(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        globals = globals or {}
        fromlist = fromlist or ()
        if level or _is_guarded(globals.get("__file__"), _row()):
            return builtins.__import__(name, globals, locals, fromlist, level)
        try:
            module = self._import(name, globals, fromlist)
        except Unavailable:
            raise
        except Exception as error:
            if self._is_own(name, error):
                raise
            return self._stand_in(name, fromlist, error)
        return self._completed(module, name, fromlist)

    def _import(self, name: str, globals: Mapping[str, Any], fromlist: Sequence[str]) -> Any:
        """The import as Python makes it; the folders above the file are a second chance for what is not found."""
        try:
            return _python_import(name, globals, fromlist)
        except ModuleNotFoundError as error:
            first = name.partition(".")[0]
            if error.name is None or error.name.partition(".")[0] != first:
                raise
            folder = self._folder_with(name, str(globals.get("__file__", "")))
            if folder is None:
                raise
            hiding = _plain_module_folder(first)
            _search_also(folder, instead_of=hiding)
            importlib.invalidate_caches()
            if hiding is not None or not _has_file(sys.modules.get(first), folder):
                self._forget(first)
            return _python_import(name, globals, fromlist)
        except (RuntimeError, OSError, AttributeError) as error:
            if not operators.define_missing(error):
                raise
            return _python_import(name, globals, fromlist)

    def _forget(self, first: str) -> None:
        """Drop the project's modules of a name, so that another folder is looked into for them."""
        for known in [module for module in sys.modules if module == first or module.startswith(first + ".")]:
            if self._is_project(str(getattr(sys.modules[known], "__file__", None) or "")):
                del sys.modules[known]

    def _folder_with(self, name: str, filename: str) -> str | None:
        """The nearest folder above the file that holds the module: scripts are often started from there."""
        folder = os.path.dirname(filename)
        parts = name.split(".")
        is_hidden = _plain_module_folder(parts[0]) is not None and len(parts) > 1
        # A file that imports past its own folder is part of what is above, whatever marks the project.
        roots = (*self._roots, *map(os.path.dirname, self._roots)) if is_hidden else self._roots
        while any(folder == root or folder.startswith(root.rstrip(os.sep) + os.sep) for root in roots):
            stem = os.path.join(folder, *parts)
            if (is_hidden or folder not in sys.path) and (os.path.isfile(stem + ".py") or os.path.isdir(stem)):
                return folder
            folder = os.path.dirname(folder)
        return None

    def _is_own(self, name: str, error: Exception) -> bool:
        """Whether an import fails inside the project or Python itself, which is the user's to know."""
        first = name.partition(".")[0]
        if isinstance(error, ModuleNotFoundError):
            culprit = (error.name or name).partition(".")[0]
            return culprit in _STDLIB or self._in_project(culprit)
        return first in _STDLIB or self._in_project(first)

    def _in_project(self, name: str) -> bool:
        spec = None
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError, AttributeError):
            return False
        return spec is not None and spec.origin is not None and self._is_project(spec.origin)

    def _completed(self, module: Any, name: str, fromlist: Sequence[str]) -> Any:
        """The module with stand-ins for names that this version of a package does not have."""
        for wanted in fromlist:
            if wanted == "*" or hasattr(module, wanted):
                continue
            try:
                importlib.import_module(f"{name}.{wanted}")
            except Exception as error:
                if self._is_own(name, error):
                    continue  # the import statement itself says what is missing
                why = Reason(kind="package-lacks-name", name=wanted, owner=name)
                lacking = [one for one in fromlist if not hasattr(module, one)]
                return _Patched(
                    module, {one: stood_in(f"{name}.{one}", why, self._known, self._kind) for one in lacking}
                )
        return module

    def _stand_in(self, name: str, fromlist: Sequence[str], error: Exception) -> Any:
        first = name.partition(".")[0]
        if isinstance(error, ModuleNotFoundError):
            why = Reason(kind="package-absent", name=(error.name or name).partition(".")[0])
        else:
            why = Reason(kind="package-broken", name=first, detail=first_line(error))
        self.missing.setdefault(first, why)
        standin = self._standin(name, why)
        if fromlist:
            return standin
        real = sys.modules.get(first)
        if real is not None and "." in name:  # the package is there, and only this part of it is not
            return _Patched(real, {name.split(".")[1]: self._standin(".".join(name.split(".")[:2]), why)})
        return self._standin(first, why)

    def _standin(self, name: str, why: Reason) -> Any:
        first, _, rest = name.partition(".")
        found: Any = self._standins.setdefault(first, self._kind(first, why, self._known))
        path = first
        for part in rest.split(".") if rest else ():
            path = f"{path}.{part}"
            inner = getattr(found, part)
            # A module may have the name of a function that its package has as well.
            is_module = isinstance(inner, StandIn)
            found = inner if is_module else self._standins.setdefault(path, self._kind(path, why, self._known))
        return found


class _Patched(ModuleType):
    """A module beside stand-ins for names that it lacks."""

    def __init__(self, module: ModuleType, more: Mapping[str, Any]) -> None:
        super().__init__(module.__name__)
        self.__dict__.update(more, _module=module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_module"], name)


def _python_import(name: str, globals: Mapping[str, Any], fromlist: Sequence[str]) -> Any:
    """`import name`, or `from name import ...`, as the statement itself does it."""
    return builtins.__import__(name, globals, None, (), 0) if not fromlist else importlib.import_module(name)


def _plain_module_folder(name: str) -> str | None:
    """The folder of a module that is not a package: next to the file, it hides a package of the script's folder."""
    module = sys.modules.get(name)
    path = getattr(module, "__file__", None)
    return os.path.dirname(path) if path and not hasattr(module, "__path__") else None


def _search_also(folder: str, instead_of: str | None) -> None:
    """Look for modules in a folder too: last, or in the place of one whose module hides a package without a file."""
    if instead_of not in sys.path:
        sys.path.append(folder)
        return
    sys.path[:] = [folder if entry == instead_of else entry for entry in sys.path if entry != folder]


def _has_file(module: ModuleType | None, folder: str) -> bool:
    return module is None or str(getattr(module, "__file__", None) or "").startswith(folder)


def _row() -> int:
    """The line of the import statement."""
    return sys._getframe(2).f_lineno


def _is_guarded(filename: object, row: int) -> bool:
    return isinstance(filename, str) and any(start <= row <= end for start, end in _guards(filename))


@lru_cache(maxsize=256)
def _guards(filename: str) -> tuple[tuple[int, int], ...]:
    """The lines inside a `try` that goes on without the import: the author has thought of its absence."""
    from convlint.worker.user_code.source import tree_of

    tree = tree_of(filename)
    if tree is None:
        return ()
    return tuple(
        (node.body[0].lineno, node.body[-1].end_lineno or node.body[-1].lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.Try) and any(map(_goes_on, node.handlers))
    )


def _goes_on(handler: ast.ExceptHandler) -> bool:
    kinds = [handler.type] if not isinstance(handler.type, ast.Tuple) else handler.type.elts
    names = {kind.id for kind in kinds if isinstance(kind, ast.Name)}
    catches = handler.type is None or not names.isdisjoint(_CATCHES)
    return catches and not any(isinstance(inner, ast.Raise) for inner in handler.body)
