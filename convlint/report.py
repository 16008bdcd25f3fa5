"""The outcome of one run: what was looked at and what was found. Reporters only render it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import get_args

from convlint.diagnostics import Diagnostic
from convlint.facts import Basis, FileFacts, ModelFacts, Status
from convlint.remedies import Remedy
from convlint.severity import Severity


@dataclass(frozen=True, slots=True)
class Report:
    """`diagnostics` are sorted by file, row, column and code; `files` by name."""

    diagnostics: tuple[Diagnostic, ...]
    files: tuple[FileFacts, ...]  # the files that hold a model or could not be read
    file_count: int  # every Python file looked at
    remedies: tuple[Remedy | None, ...] = ()  # what would fix each of `models`
    require_checked: bool = False  # a skipped model fails the run

    @property
    def models(self) -> tuple[tuple[str, ModelFacts], ...]:
        """Each model next to the name of its file."""
        return tuple((file.filename, model) for file in self.files for model in file.models)

    @property
    def listed(self) -> Iterator[tuple[str, ModelFacts, Remedy | None]]:
        """Each model next to the name of its file and what would fix it."""
        for (filename, model), remedy in zip_longest(self.models, self.remedies):
            yield filename, model, remedy

    def findings_of(self, filename: str, model: ModelFacts) -> tuple[Diagnostic, ...]:
        """What is about one model: in its own file, or in another one, in which no model has that name."""
        names = {(other, one.name) for other, one in self.models}
        return tuple(
            one
            for one in self.diagnostics
            if one.model == model.name and (one.filename == filename or (one.filename, one.model) not in names)
        )

    @property
    def of_files(self) -> tuple[Diagnostic, ...]:
        """What is about no model that is there: a file that cannot be imported."""
        names = {model.name for _, model in self.models}
        return tuple(one for one in self.diagnostics if one.model not in names)

    @property
    def is_verified(self) -> bool:
        """Whether models were run on real tensors."""
        return any(model.verification is not None for _, model in self.models)

    @property
    def lacking(self) -> int:
        """The models whose being skipped fails the run."""
        return self.count_models("skipped") if self.require_checked else 0

    @property
    def bases(self) -> Counter[Basis]:
        """What the verdicts on the checked models rest on, the firmest first."""
        found = Counter(model.basis for _, model in self.models if model.status == "checked")
        return Counter({basis: found[basis] for basis in get_args(Basis) if found[basis]})

    def count_models(self, status: Status) -> int:
        return sum(model.status == status for _, model in self.models)

    def count(self, severity: Severity) -> int:
        return sum(diagnostic.severity == severity for diagnostic in self.diagnostics)
