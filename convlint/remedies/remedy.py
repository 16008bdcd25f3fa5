"""What the user can do about a model that was not checked, or only in part: facts in, configuration out."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from convlint.config import Config, ModelEntry
from convlint.config.document import home_of, read_text, takes_tables
from convlint.facts import FileFacts, ModelFacts, Reason
from convlint.filenames import display
from convlint.plan import Entries
from convlint.remedies.arguments import CodeNeeded, arguments_of
from convlint.remedies.helps import wrapped
from convlint.remedies.inputs import inputs_of
from convlint.remedies.stanza import EntryKey, Stanza, is_sayable, string


@dataclass(frozen=True, slots=True)
class Remedy:
    """What would fix a model: a sentence, or TOML with a sentence that says where it belongs."""

    sentence: str
    toml: str | None = None
    stanza: Stanza | None = None  # that the TOML is, where it makes a new entry

    @property
    def text(self) -> str:
        """For programs: the TOML where there is some, with the place in a comment where it is no entry of its own."""
        if self.toml is None:
            return self.sentence
        return self.toml if self.stanza is not None else f"# {self.sentence}\n{self.toml}"


@dataclass(frozen=True, slots=True)
class ConfigPlace:
    """Where the configuration of a file stands."""

    path: str  # of the file with the models, absolute
    home: str  # the pyproject.toml, absolute; it need not exist
    entries: tuple[ModelEntry, ...]  # those that name a model of the file

    @property
    def relative(self) -> str:
        """The file as entries name it."""
        return os.path.relpath(self.path, os.path.dirname(self.home)).replace(os.sep, "/")

    def name_of(self, target: str) -> str:
        return f"{glob.escape(self.relative)}:{target}"

    def entry_of(self, target: str) -> ModelEntry | None:
        """The entry that speaks of a model, the one with its plain name first."""
        found = [entry for entry in self.entries if fnmatch.fnmatchcase(target, entry.target)]
        return min(found, key=lambda entry: entry.target != target, default=None)


def remedies(files: Sequence[FileFacts], entries: Entries) -> tuple[Remedy | None, ...]:
    """What would fix each model of the files, in their order; None for those that are checked, too."""
    return tuple(one for file in files for one in _of_file(file, entries))


def place_of(filename: str, entries: Entries) -> ConfigPlace:
    """Where the configuration of a file of the report stands."""
    path = os.path.abspath(filename)
    config: Config = entries.config_of(os.path.dirname(path))
    return ConfigPlace(path, home_of(os.path.dirname(path), config), entries.of(path))


def _of_file(file: FileFacts, entries: Entries) -> list[Remedy | None]:
    if all(model.status == "checked" for model in file.models):
        return [None] * len(file.models)
    place = place_of(file.filename, entries)
    mistaken = {failure.target for failure in file.build_failures}  # findings, to be fixed in the code
    return [
        None if model.construction is None and model.target in mistaken else remedy(model, place)
        for model in file.models
    ]


def remedy(model: ModelFacts, place: ConfigPlace) -> Remedy | None:
    """What would fix a model; None where nothing in the configuration or beside it does."""
    if model.status == "checked" or not is_sayable(place.relative):
        return None
    said = _sentence(model, place)
    if said is not None:
        return Remedy(said)
    try:
        settings = _settings(model)
    except CodeNeeded as needed:
        return Remedy(
            f"{needed}, which only code can make: write a function without arguments that returns"
            f" {model.target}(...), and convlint checks what it returns"
        )
    return _configured(model, place, settings) if settings else None


def _sentence(model: ModelFacts, place: ConfigPlace) -> str | None:
    """The way out where it is not an entry for the model."""
    if (found := wrapped(model.reason, "package")) is not None:
        return _of_package(found, place)
    if (found := wrapped(model.reason, "time")) is not None and found.limit is not None:
        return f"give it more time: `timeout = {4 * found.limit:g}` in [tool.convlint] of {display(place.home)}"
    if (found := wrapped(model.reason, "value")) is not None:
        return f"give `{found.name}` a value where the file is imported, not only where the script runs"
    return None


def _of_package(reason: Reason, place: ConfigPlace) -> str:
    deed = "install" if reason.kind == "package-absent" else "fix the installation of"
    pattern = string("/" + re.sub(r"([\\*?\[\]!# ])", r"\\\1", place.relative))
    where = f"[tool.convlint] of {display(place.home)}"
    return f"{deed} {reason.name or 'the package'}, or leave the file out: `exclude = [{pattern}]` in {where}"


def _settings(model: ModelFacts) -> tuple[EntryKey, ...]:
    """The keys of an entry that would fix it, none where no entry would. Raises CodeNeeded."""
    arguments = arguments_of(model)
    return arguments if model.construction is None else (*arguments, *inputs_of(model))


def _configured(model: ModelFacts, place: ConfigPlace, settings: tuple[EntryKey, ...]) -> Remedy | None:
    home = display(place.home)
    entry = place.entry_of(model.target)
    if entry is not None:
        return _amended(entry, home, settings)
    stanza = Stanza(place.name_of(model.target), settings)
    if takes_tables(read_text(place.home)):
        verb = "add to" if os.path.exists(place.home) else "write into a new"
        return Remedy(f"{verb} {home}", stanza.table, stanza)
    return Remedy(f"add to `model` of [tool.convlint] in {home}", stanza.item, stanza)


def _amended(entry: ModelEntry, home: str, settings: tuple[EntryKey, ...]) -> Remedy:
    given = {"kwargs"} if entry.args or entry.kwargs else set()
    given |= {"inputs"} if entry.inputs is not None else set()
    missing = [one for one in settings if one.key not in given]
    where = f"the entry {string(entry.name)} in {home}"
    if not missing:
        return Remedy(f"set {' and '.join(sorted(given))} right in {where}")
    return Remedy(f"add to {where}", "\n".join(one.line for one in missing))
