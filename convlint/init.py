"""`convlint init`: entries for all that could not be checked, put after what a pyproject.toml already says."""

from __future__ import annotations

import difflib
import io
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from convlint.check import Gathered
from convlint.config import ConfigError
from convlint.config.document import extended, read_text, takes_tables
from convlint.facts import ModelFacts
from convlint.filenames import display
from convlint.remedies import MARK, Stanza, place_of, remedies
from convlint.reporters.summary import reason
from convlint.reporters.text import count, one_line

_WIDTH = 110
_INDENT = "# "


@dataclass(frozen=True, slots=True)
class Entry:
    """A stanza, the model that it is for, and the file that it belongs into."""

    home: str
    stanza: Stanza
    filename: str
    model: ModelFacts

    @property
    def comment(self) -> str:
        """What was wrong, above the stanza."""
        said = one_line(f"{self.model.status}: {reason(self.filename, self.model) or 'the reason is not known'}")
        return "\n".join(
            textwrap.wrap(
                said,
                _WIDTH,
                initial_indent=_INDENT,
                subsequent_indent=_INDENT,
                break_long_words=False,
                break_on_hyphens=False,
            )
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """One pyproject.toml as it is and as it is to be."""

    path: str
    before: str
    after: str
    entries: tuple[Entry, ...]

    @property
    def diff(self) -> str:
        name = display(self.path)
        lines = difflib.unified_diff(
            _lines(self.before), _lines(self.after), name if self.before else "/dev/null", name
        )
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)

    @property
    def sentence(self) -> str:
        """What is written where, and what is left to do."""
        is_marked = any(one.unknown for entry in self.entries for one in entry.stanza.settings)
        rest = f'; set the values right that are marked "{MARK}"' if is_marked else ""
        return f"{display(self.path)}: {_entries(len(self.entries))} written{rest}"

    def write(self) -> None:
        """Raises ConfigError. What is there already is not touched: the rest goes after it."""
        try:
            with open(self.path, "ab") as file:
                file.write(self.after[len(self.before) :].encode())
        except OSError as error:
            raise ConfigError(f"{display(self.path)}: cannot be written: {error.strerror or error}") from None


@dataclass(frozen=True, slots=True)
class Proposal:
    """All that `convlint init` has to say about some paths."""

    drafts: tuple[Draft, ...]
    left: tuple[str, ...]  # files that could not be read, and models that no new entry fixes, with the way out
    checked: int


def propose(gathered: Gathered) -> Proposal:
    """The entries to write, one for each model. Raises ConfigError where a file has no room for them."""
    entries: dict[tuple[str, str], Entry] = {}
    left = {one_line(f"{file.filename}: {one.message}"): None for file in gathered.facts for one in file.failures}
    pairs = [(file.filename, model) for file in gathered.facts for model in file.models]
    for (filename, model), remedy in zip(pairs, remedies(gathered.facts, gathered.entries), strict=True):
        if model.status == "checked":
            continue
        if remedy is not None and remedy.stanza is not None:
            home = place_of(filename, gathered.entries).home
            entries.setdefault((home, remedy.stanza.name), Entry(home, remedy.stanza, filename, model))
        else:
            said = remedy.sentence if remedy is not None else "no new entry would mend that"
            left[one_line(f"{filename}:{model.target} is {model.status}: {said}")] = None
    checked = sum(model.status == "checked" for _, model in pairs)
    return Proposal(tuple(_drafts(entries.values())), tuple(left), checked)


def _drafts(entries: Iterable[Entry]) -> Iterator[Draft]:
    """What each file becomes with its entries."""
    by_home: dict[str, list[Entry]] = {}
    for entry in entries:
        by_home.setdefault(entry.home, []).append(entry)
    yield from (_draft(home, found) for home, found in by_home.items())


def nothing(proposal: Proposal) -> str:
    """Why there is nothing to write."""
    rest = ", and nothing else that a new entry would mend" if proposal.left else ""
    return f"nothing to write: {count(proposal.checked, 'model')} checked{rest}"


def _draft(home: str, entries: Sequence[Entry]) -> Draft:
    before = read_text(home)
    if not takes_tables(before):
        items = "\n".join(f"    {entry.stanza.item}" for entry in entries)
        raise ConfigError(
            f"{display(home)}: its models are written as one array, beside which TOML allows no tables;"
            f" put into the array `model` of [tool.convlint]:\n{items}"
        )
    stanzas = "\n\n".join(f"{entry.comment}\n{entry.stanza.table}" for entry in entries) + "\n"
    return Draft(home, before, extended(home, before, stanzas), tuple(entries))


def _lines(text: str) -> list[str]:
    return list(io.StringIO(text, newline="\n"))


def _entries(number: int) -> str:
    return "1 entry" if number == 1 else f"{number} entries"
