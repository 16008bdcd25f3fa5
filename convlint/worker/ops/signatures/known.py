"""What stands in for names of packages that cannot run here: functions and classes made of signatures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convlint.facts import Reason
from convlint.filenames import display
from convlint.signatures.load import read_signatures, shipped, table_of
from convlint.signatures.schema import SignatureEntry
from convlint.worker.ops.signatures.layer import layer_of
from convlint.worker.ops.signatures.operator import Operator, function_of


class KnownSignatures:
    """The signatures that hold for one job: the project's own before those that come with convlint."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """`texts`: of the project's signature files, by path."""
        own = [entry for path, text in texts.items() for entry in read_signatures(text, display(path))]
        self._own = table_of(own)
        self._made: dict[str, Any] = {}

    def entries(self, name: str) -> tuple[SignatureEntry, ...]:
        return self._own.get(name) or shipped(name.partition(".")[0]).get(name, ())

    def compiled(self, module: str) -> dict[str, tuple[SignatureEntry, ...]]:
        """The operators of a module that cannot run on fake tensors, by their names in it."""
        tables = (shipped(module.partition(".")[0]), self._own)
        found: dict[str, tuple[SignatureEntry, ...]] = {}
        for name, entries in (item for table in tables for item in table.items()):
            home, _, short = name.rpartition(".")
            if home == module and any(entry.compiled for entry in entries):
                found[short] = entries
        return found

    def stand_in(self, name: str, why: Reason) -> Any | None:
        """A function or class in the place of what has this name; None where no signature has it."""
        if name not in self._made:
            self._made[name] = self._make(name, why)
        return self._made[name]

    def _make(self, name: str, why: Reason) -> Any | None:
        entries = self.entries(name)
        if not entries:
            return None
        if entries[0].layer is not None:
            return layer_of(entries[0].title, entries, why)
        return function_of(Operator(entries[0].title, entries, why))
