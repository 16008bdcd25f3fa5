"""Command lines: nobody gives one here, so every option has its default, and what has none is unknown."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from convlint.facts import Reason
from convlint.worker.dry_run.patches import Patches
from convlint.worker.dry_run.unknown import UnknownValue
from convlint.worker.dry_run.variants import choices_of
from convlint.worker.dry_run.world import current


def _parse(self: argparse.ArgumentParser, args: Sequence[str] | None = None, namespace: Any = None) -> Any:
    required = [action for action in self._actions if action.required]
    for action in self._actions:
        action.required = False
        if action.nargs not in (None, "?", "*", "...", argparse.PARSER) and not action.option_strings:
            action.nargs = "?" if action.nargs != "+" else "*"
        elif action.nargs is None and not action.option_strings:
            action.nargs = "?"
    for group in self._mutually_exclusive_groups:
        group.required = False
    parsed, rest = _ORIGINAL(self, [] if args is None else list(args), namespace)
    for action in required:
        if getattr(parsed, action.dest, None) in (None, []) and action.dest != argparse.SUPPRESS:
            name = (action.option_strings or [action.dest])[-1]
            current().lacking[action.dest] = None
            setattr(parsed, action.dest, UnknownValue(action.dest, Reason(kind="option-not-given", name=name)))
    _choose(self, parsed)
    return parsed, rest


def _choose(parser: argparse.ArgumentParser, parsed: argparse.Namespace) -> None:
    """Give options the values of this run, and note what else they may be."""
    world = current()
    actions = parser._actions  # noqa: SLF001 - argparse has no other way to them
    world.choices |= choices_of(actions)
    world.lacking |= {action.dest: None for action in actions if action.default == "" and action.option_strings}
    for name, value in world.options:
        if hasattr(parsed, name):
            setattr(parsed, name, value)


_ORIGINAL = argparse.ArgumentParser.parse_known_args


@contextmanager
def defaults() -> Iterator[None]:
    with Patches() as patches:
        patches.put(argparse.ArgumentParser, "parse_known_args", _parse)
        yield
