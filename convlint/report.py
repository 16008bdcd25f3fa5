"""The outcome of one run: what was looked at and what was found. Reporters only render it."""

from __future__ import annotations

from dataclasses import dataclass

from convlint.diagnostics import Diagnostic, Severity
from convlint.facts import FileFacts, ModelFacts, Status


@dataclass(frozen=True, slots=True)
class Report:
    """`diagnostics` are sorted by file, row, column and code; `files` by name."""

    diagnostics: tuple[Diagnostic, ...]
    files: tuple[FileFacts, ...]  # the files that hold a model or could not be read
    file_count: int  # every Python file looked at

    @property
    def models(self) -> tuple[tuple[str, ModelFacts], ...]:
        """Each model beside the name of its file."""
        return tuple((file.filename, model) for file in self.files for model in file.models)

    def count_models(self, status: Status) -> int:
        return sum(model.status == status for _, model in self.models)

    def count(self, severity: Severity) -> int:
        return sum(diagnostic.severity == severity for diagnostic in self.diagnostics)
