"""What pytest collects: a file, convlint in it, and its models, so that `net.py::convlint::Net` names one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from convlint.pytest_plugin.linting import Linting


class FindingsError(Exception):
    """convlint has findings; its report is the message."""


class ModelFile(pytest.File):
    """A file with models."""

    def __init__(self, *, linting: Linting, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.linting = linting

    def collect(self) -> Iterator[pytest.Collector]:
        yield FileModels.from_parent(self, name="convlint", linting=self.linting)


class FileModels(pytest.Collector):
    """All models of a file."""

    def __init__(self, *, linting: Linting, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.linting = linting

    def collect(self) -> Iterator[pytest.Item]:
        for target, row in self.linting.targets[self.path].items():
            yield ModelItem.from_parent(self, name=target, linting=self.linting, row=row)


class ModelItem(pytest.Item):
    """One model."""

    def __init__(self, *, linting: Linting, row: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.linting = linting
        self.row = row

    def runtest(self) -> None:
        paths = frozenset(str(item.path) for item in self.session.items if isinstance(item, ModelItem))
        verdict = self.linting.verdict(str(self.path), self.name, paths)
        if verdict.status == "failed":
            raise FindingsError(verdict.text)
        if verdict.status == "skipped":
            pytest.skip(verdict.text)
        if verdict.text:
            self.add_report_section("call", "convlint", verdict.text)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        return str(excinfo.value) if isinstance(excinfo.value, FindingsError) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int, str]:
        return self.path, self.row - 1, f"convlint::{self.name}"
