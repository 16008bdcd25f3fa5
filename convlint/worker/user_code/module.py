"""A module of the user's that executes its top level as far as it is asked for.

Imports, definitions and constants run when the module is imported. Any other name is computed when some code reads
it: the statements that bind it run then, in the order of the file, and those that nobody asks for never do.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from types import ModuleType
from typing import Any

from convlint.facts import Reason, Span
from convlint.worker.user_code import purity
from convlint.worker.user_code.folders import started_in
from convlint.worker.user_code.integers import INT, as_int, with_symbolic_ints
from convlint.worker.user_code.statements import Statement, sort
from convlint.worker.user_code.time_limit import TimeLimitExceeded, time_limit
from convlint.worker.user_code.unavailable import Unavailable
from convlint.worker.user_code.wording import said

MAX_SECONDS = 10.0
"""A name that takes longer to compute is not had at all."""


class Namespace(dict[str, Any]):
    """The globals of a module: a name that is not there yet is asked of the module.

    CPython looks names up in a subclass of dict through `__missing__`, in functions as well as at the top level.
    """

    def __init__(self, ask: Callable[[str], Any], names: Mapping[str, Any]) -> None:
        super().__init__(names)
        self._ask = ask

    def __missing__(self, name: str) -> Any:
        return self._ask(name)


class ProjectModule(ModuleType):
    """Attributes live in the namespace, so that `module.x = 1` and `global x` mean the same."""

    def __init__(self, name: str, doc: str | None = None) -> None:
        super().__init__(name, doc)
        super().__setattr__("_top", None)

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        top: TopLevel | None = super().__getattribute__("_top")
        return _own_dict(self) if top is None else top.namespace

    def __getattr__(self, name: str) -> Any:
        top: TopLevel | None = super().__getattribute__("_top")
        if top is not None:
            if name in top.namespace:
                return top.namespace[name]
            if not name.startswith("__") and top.knows(name):
                return top.namespace[name]
            for other in top.starred:
                if hasattr(other, name):
                    return getattr(other, name)
        raise AttributeError(f"module {super().__getattribute__('__name__')!r} has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        top: TopLevel | None = super().__getattribute__("_top")
        if top is None or (name.startswith("__") and name.endswith("__")):
            super().__setattr__(name, value)
        if top is not None:
            top.namespace[name] = value

    def __delattr__(self, name: str) -> None:
        top: TopLevel | None = super().__getattribute__("_top")
        if top is not None and name in top.namespace:
            del top.namespace[name]
        else:
            super().__delattr__(name)

    def __dir__(self) -> list[str]:
        return list(self.__dict__)


def _own_dict(module: ModuleType) -> dict[str, Any]:
    """What Python itself keeps of a module, after the property."""
    own: dict[str, Any] = vars(ModuleType)["__dict__"].__get__(module)
    return own


class TopLevel:
    """The statements of a module, and which of them have run. `failures` are what raised, in order."""

    def __init__(
        self,
        module: ProjectModule,
        tree: ast.Module,
        filename: str,
        importer: Callable[..., Any],
        folders: Sequence[str] = (),
        known_as: str | None = None,  # the name that its code has in frames, where that is not the file's
    ) -> None:
        names = {**vars(builtins), "__import__": importer, INT: as_int}
        own = {name: value for name, value in _own_dict(module).items() if name != "_top"}
        self.namespace = Namespace(self.ask, {**own, "__builtins__": names, "__file__": filename})
        self.starred: list[ModuleType] = []
        self.failures: list[tuple[Statement, BaseException]] = []
        self._filename = known_as or filename
        self._folders = folders  # where it may be started
        self._flags = _future_flags(tree)
        self._statements = sort(tree.body)
        # Asked for at every look-up of a builtin by the user's functions, hence a set.
        self._late = frozenset(name for s in self._statements if not s.is_eager for name in s.binds)
        self._done: set[Statement] = set()
        self._broken: dict[str, Reason] = {}  # name -> why it could not be computed
        ModuleType.__setattr__(module, "_top", self)

    def start(self) -> None:
        """Run what runs at once. One statement that raises does not keep the others from running."""
        for statement in self._statements:
            if statement.is_eager:
                try:
                    self._run(statement)
                except Exception as error:
                    if purity.defines(ast.Module([statement.node], [])):
                        self.failures.append((statement, error))
                    for name in statement.binds - self.namespace.keys():
                        self._broken[name] = self._why(name, statement, error)

    def knows(self, name: str) -> bool:
        """Whether the name is one that is computed late, or one that could not be had."""
        return name in self._broken or name in self._late

    def ask(self, name: str) -> Any:
        """The value of a name that is not bound yet. Raises Unavailable, or KeyError for one that nothing binds."""
        if name in self._broken:
            raise Unavailable(self._broken[name])
        if not self.knows(name):
            for other in self.starred:
                if hasattr(other, name):
                    return getattr(other, name)
            raise KeyError(name)
        self._compute(name)
        if name not in self.namespace:  # the branch that binds it was not taken
            any(name in s.binds and self._assigned_inside(s, name) for s in self._statements)
        if name not in self.namespace:
            raise Unavailable(self._broken.setdefault(name, self._unbound(name)))
        return dict.__getitem__(self.namespace, name)

    def _unbound(self, name: str) -> Reason:
        first = next(s.node for s in self._statements if name in s.binds)
        return Reason(kind="set-by-script", name=name, at=self._line(first))

    def _line(self, node: ast.stmt) -> Span:
        row = node.lineno
        return Span(filename=self._filename, row=row, column=1, end_row=row, end_column=1)

    def _compute(self, name: str) -> None:
        for statement in self._statements:
            if statement.is_eager or not statement.is_run or statement in self._done:
                continue
            if name in statement.binds or (name in statement.changes and name in self.namespace):
                try:
                    with time_limit(MAX_SECONDS):
                        self._run(statement)
                except (Exception, SystemExit, TimeLimitExceeded) as error:
                    if name in statement.binds and name not in self.namespace:
                        if self._assigned_inside(statement, name):
                            continue
                        self._broken[name] = self._why(name, statement, error)
                        raise Unavailable(self._broken[name]) from error

    def _assigned_inside(self, statement: Statement, name: str) -> bool:
        """`if dataset == "x": data = load(); channels = 3` fails at the data, and the channels are plain."""
        for node in purity.assignments(statement.node, name):
            with suppress(Exception):
                self._run(replace(statement, node=node))
                return True
        return False

    def _run(self, statement: Statement) -> None:
        self._done.add(statement)
        if isinstance(statement.node, ast.ClassDef):
            # The body of a class looks names up in globals without asking `__missing__`.
            for name in sorted(statement.loads):
                if name not in self.namespace and self.knows(name):
                    self.ask(name)
        tree = ast.Module([with_symbolic_ints(statement.node)], [])
        code = compile(tree, self._filename, "exec", flags=self._flags, dont_inherit=True)
        # The user's code, guarded by the process it runs in.
        started_in(self._folders, lambda: exec(code, self.namespace, self.namespace))
        if isinstance(statement.node, ast.ImportFrom) and statement.node.names[0].name == "*":
            self._remember_star(statement.node)

    def _remember_star(self, node: ast.ImportFrom) -> None:
        """Names that the other module computes late are not among those that `*` brought."""
        importer = self.namespace["__builtins__"]["__import__"]
        names = ["*"]
        found = importer(node.module or "", self.namespace, self.namespace, names, node.level)
        if isinstance(found, ProjectModule):
            self.starred.append(found)

    def _why(self, name: str, statement: Statement, error: BaseException) -> Reason:
        if isinstance(error, Unavailable):
            return error.reason
        return Reason(kind="not-computed", name=name, at=self._line(statement.node), detail=said(error))


def _future_flags(tree: ast.Module) -> int:
    """`from __future__` holds for the whole file, not only for the statement that it is compiled with."""
    import __future__

    flags = 0
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for alias in node.names:
                flags |= getattr(__future__, alias.name).compiler_flag
    return flags
