"""Command lines: nobody gives one here, so every option has its default, and what has none is unknown."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from convlint.facts import Reason
from convlint.worker.dry_run.patches import Patches
from convlint.worker.dry_run.unknown import UnknownValue


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
            setattr(parsed, action.dest, UnknownValue(action.dest, Reason(kind="option-not-given", name=name)))
    return parsed, rest


_ORIGINAL = argparse.ArgumentParser.parse_known_args


@contextmanager
def defaults() -> Iterator[None]:
    with Patches() as patches:
        patches.put(argparse.ArgumentParser, "parse_known_args", _parse)
        yield
