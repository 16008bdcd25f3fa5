"""The arguments of a constructor that nobody gives, as a line of configuration."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from convlint.facts import GuessedArgument, ModelFacts
from convlint.remedies.helps import helps
from convlint.remedies.placeholders import Plain, argument
from convlint.remedies.stanza import EntryKey, is_sayable, table, value


class CodeNeeded(Exception):
    """An argument is an object, and TOML has only values."""


def arguments_of(model: ModelFacts) -> tuple[EntryKey, ...]:
    """`kwargs = { ... }` with all that the constructor needs; nothing where that is known. Raises CodeNeeded."""
    if model.construction is None:
        return _setting(model.required, {}) if helps(model.reason, "arguments") else ()
    if model.construction.origin != "guessed" or not model.required:
        return ()
    return _setting(model.required, {one.name: one for one in model.construction.arguments})


def _setting(names: Sequence[str], guessed: Mapping[str, GuessedArgument]) -> tuple[EntryKey, ...]:
    if not names:
        return (EntryKey("kwargs", "{}", ("arguments that it can be built with",)),)
    values = {name: _plain(guessed[name]) if name in guessed else argument(name) for name in names}
    objects = [f"`{name}`" for name, found in values.items() if found is None]
    if objects:
        verb = "is an object" if len(objects) == 1 else "are objects"
        raise CodeNeeded(f"{', '.join(objects)} {verb}")
    pairs = {name: value(found) for name, found in values.items() if found is not None}
    return (EntryKey("kwargs", table(pairs), tuple(names)),)


def _plain(given: GuessedArgument) -> Plain | None:
    """A guessed value, where TOML can say it."""
    return _sayable(given.value) if given.is_plain else None


def _sayable(found: object) -> Plain | None:
    if isinstance(found, float):
        return found if math.isfinite(found) else None
    if isinstance(found, str):
        return found if is_sayable(found) else None
    if isinstance(found, bool | int):
        return found
    if isinstance(found, list | tuple):
        parts = [_sayable(one) for one in found]
        return None if None in parts else [one for one in parts if one is not None]
    return None
