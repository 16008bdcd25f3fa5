"""Functions of a file that are called although the file itself does not: tests with their fixtures, `main`."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from types import ModuleType
from typing import Any

import torch

from convlint.facts import Reason
from convlint.worker.dry_run.unknown import UnknownValue
from convlint.worker.dry_run.world import Finished, current
from convlint.worker.user_code.time_limit import TimeLimitExceeded

_STARTS = ("main", "train", "fit", "run", "demo", "evaluate", "test", "predict", "inference", "generate", "sample")
_MOST_TESTS = 60
_MOST_CASES = 3


def is_test(path: str) -> bool:
    name = os.path.basename(path)
    return name.startswith("test_") or name.removesuffix(".py").endswith("_test")


def call_the_rest(module: ModuleType, path: str) -> None:
    """Call what a file offers to be called, where running it did nothing."""
    if is_test(path):
        for test in islice(_tests(module), _MOST_TESTS):
            _call(test)
    elif not current().fed:
        for name in _STARTS:
            function = vars(module).get(name)
            if inspect.isfunction(function) and function.__module__ == "__main__" and not _required(function):
                _call(function)


def _call(function: Callable[[], Any]) -> None:
    try:
        function()
    except (Finished, TimeLimitExceeded):
        raise
    except BaseException:
        pass


def _required(function: Callable[..., Any]) -> list[str]:
    with suppress(TypeError, ValueError):
        return [name for name, p in inspect.signature(function).parameters.items() if p.default is p.empty]
    return ["?"]


def _tests(module: ModuleType) -> Iterator[Callable[[], Any]]:
    fixtures = _Fixtures(module)
    for name, value in list(vars(module).items()):
        if name.startswith("test") and inspect.isfunction(value):
            yield from _cases(value, fixtures)
        elif name.startswith("Test") and inspect.isclass(value):
            for inner in [one for one in dir(value) if one.startswith("test")]:
                yield from _of_class(value, inner, fixtures)


def _of_class(kind: Any, name: str, fixtures: _Fixtures) -> Iterator[Callable[[], Any]]:
    with suppress(Exception):
        made = kind(name) if hasattr(kind, "assertEqual") else kind()
        for before in ("setUp", "setup_method"):
            if callable(getattr(made, before, None)):
                getattr(made, before)()
        yield from _cases(getattr(made, name), fixtures)


def _cases(test: Callable[..., Any], fixtures: _Fixtures) -> Iterator[Callable[[], Any]]:
    """A test with the first of its parameters; none that is marked to fail, or to be left out."""
    marks = getattr(inspect.unwrap(test), "pytestmark", [])
    if any(getattr(one, "name", "") in ("xfail", "skip") for one in marks):
        return
    tables = [one.args for one in marks if getattr(one, "name", "") == "parametrize" and len(one.args) >= 2]
    for case in range(_MOST_CASES if tables else 1):
        given = {name: value for table in tables for name, value in _row(table, case)}
        yield lambda given=given: test(**{n: given[n] if n in given else fixtures.value(n) for n in _required(test)})  # type: ignore[misc]


def _row(table: Sequence[Any], case: int) -> Iterator[tuple[str, Any]]:
    """The parameters of one case, by their names."""
    names, values = table[0], list(table[1])
    listed = [one.strip() for one in names.split(",")] if isinstance(names, str) else list(names)
    row = values[min(case, len(values) - 1)] if values else None
    row = getattr(row, "values", row)
    yield from zip(listed, tuple(row or ()) if len(listed) > 1 else (row,), strict=False)


class _Fixtures:
    """Values of fixtures of a file, each made once."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._made: dict[str, Any] = {}

    def value(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = UnknownValue(name, Reason(kind="parameter-unknown", name=name, owner="the test"))
            function = self._function(name)
            if function is not None:
                with suppress(Exception):
                    made = function(**{one: self.value(one) for one in _required(function)})
                    self._made[name] = next(made) if inspect.isgenerator(made) else made
            elif name == "device":
                self._made[name] = torch.device("cpu")
        return self._made[name]

    def _function(self, name: str) -> Callable[..., Any] | None:
        found = self._names().get(name)
        for attribute in ("_fixture_function", "__pytest_wrapped__", "__wrapped__"):
            inner = getattr(found, attribute, None)
            if inner is not None:
                found = getattr(inner, "obj", inner)
                break
        return found if inspect.isfunction(found) else None

    def _names(self) -> Mapping[str, Any]:
        return vars(self._module)
