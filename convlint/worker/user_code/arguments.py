"""Command lines of the user's scripts: nobody gives one here, so every option has its default."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


@contextmanager
def defaults_only(parser: type[argparse.ArgumentParser]) -> Iterator[None]:
    """While this lasts, parsing gives the defaults, and None for what the script would insist on."""
    original = parser.parse_known_args

    def parse(self: argparse.ArgumentParser, args: Sequence[str] | None = None, namespace: Any = None) -> Any:
        for action in self._actions:
            action.required = False
        for group in self._mutually_exclusive_groups:
            group.required = False
        return original(self, [] if args is None else args, namespace)

    parser.parse_known_args = parse  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        parser.parse_known_args = original  # type: ignore[method-assign]
