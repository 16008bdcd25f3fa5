"""Tables of files that are not here: many rows, the columns that a program asks for, and cells of one value each."""

from __future__ import annotations

from typing import Any

from convlint.facts import Reason
from convlint.worker.dry_run import noise
from convlint.worker.dry_run.unknown import UnknownValue
from convlint.worker.dry_run.world import current


class UnknownCell(UnknownValue):
    """One value of a table: a text or a number."""

    def __int__(self) -> int:  # type: ignore[override]
        return current().made_up("a cell", 0, 1)

    __index__ = __int__  # type: ignore[assignment]

    def __float__(self) -> float:  # type: ignore[override]
        return float(int(self))

    def __str__(self) -> str:
        return str(self._made_up_text())

    def _made_up_text(self) -> str:
        return current().made_up("a cell", "some words of a text", "a few other words in it")

    def __fspath__(self) -> str:
        return f"{self._made_up_text().split()[0]}.jpg"


class _Rows(UnknownValue):
    """What has as many parts as the table has rows."""

    def __len__(self) -> int:  # type: ignore[override]
        return current().made_up_length("the rows of a table", *noise.FILES)


class UnknownRow(UnknownValue):
    def __getitem__(self, name: Any) -> UnknownValue:
        return UnknownCell("_", vars(self)["_why"]) if isinstance(name, str | int) else self.derived("[]")


class _ByRow(_Rows):
    """`iloc` and `loc` of a table."""

    def __getitem__(self, index: Any) -> UnknownValue:
        why = vars(self)["_why"]
        if isinstance(index, tuple):
            return UnknownCell("_", why) if all(isinstance(one, int | str) for one in index) else self.derived("[]")
        return UnknownRow("_", why) if isinstance(index, int) else UnknownTable("_", why)


class UnknownColumn(_Rows):
    def __getitem__(self, index: Any) -> UnknownValue:
        return UnknownCell("_", vars(self)["_why"]) if isinstance(index, int) else self

    @property
    def iloc(self) -> UnknownColumn:
        return self

    loc = values = iloc

    def tolist(self) -> UnknownColumn:
        return self


class UnknownTable(_Rows):
    """A data frame."""

    def __getitem__(self, name: Any) -> UnknownValue:
        return UnknownColumn("_", vars(self)["_why"]) if isinstance(name, str) else self.derived("[]")

    @property
    def iloc(self) -> _ByRow:
        return _ByRow("_", vars(self)["_why"])

    loc = iloc

    def reset_index(self, *_: Any, **__: Any) -> UnknownTable:
        return self

    dropna = sample = fillna = copy = reset_index


def absent_table(path: Any) -> UnknownTable:
    return UnknownTable("_", Reason(kind="file-absent", name=str(path)))


def filled(data: Any, depth: int = 4) -> Any:
    """Numbers for cells in a list that becomes a tensor; None where something else is unknown."""
    if isinstance(data, UnknownCell):
        return 0
    if isinstance(data, UnknownValue):
        return None
    if depth and type(data) in (list, tuple):
        items = [filled(item, depth - 1) for item in data]
        return None if any(item is None for item in items) else items
    return data
