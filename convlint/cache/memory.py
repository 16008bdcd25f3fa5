"""Results by what was asked and by the state of all that they depend on.

A question leads to the lists of what its results hung on in earlier runs; the state of one of these to a result.
"""

from __future__ import annotations

import json
import time

from convlint.cache.store import Store
from convlint.cache.world import World, digest, is_settled
from convlint.dependencies import Dependencies, parse
from convlint.filenames import display

_MOST_LISTS = 4  # that are kept for one question
_MARGIN = 50_000_000  # nanoseconds by which the clocks of files may be coarse


class Memory:
    """A store as one run sees it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._since = time.time_ns() - _MARGIN
        self._has_written = False
        self.world = World()
        self.trouble: str | None = None  # why nothing can be kept

    def recall(self, question: str) -> tuple[bytes, Dependencies] | None:
        """A result that still holds, and what it depends on."""
        for depends in self._lists(question):
            body = self._store.get(self._name(question, depends))
            if body is not None:
                return body, depends
        return None

    def keep(self, question: str, depends: Dependencies, body: bytes) -> None:
        """Keep a result for the next run, unless something that it depends on has changed during this one."""
        if self.trouble is not None or not is_settled(depends, self._since):
            return
        known = [depends, *(one for one in self._lists(question) if one != depends)][:_MOST_LISTS]
        try:
            # The result first: a list that leads nowhere costs a look-up for nothing.
            self._store.put(self._name(question, depends), body)
            self._store.put(question, json.dumps(known).encode())
            self._has_written = True
        except OSError as error:
            folder, reason = display(self._store.folder), error.strerror or str(error)
            self.trouble = f"the cache {folder} cannot be written: {reason}; --no-cache goes without it"

    def drop(self, question: str, depends: Dependencies) -> None:
        """Forget a result that is no good."""
        self._store.drop(self._name(question, depends))

    def close(self) -> None:
        """Keep the store within its bounds, where this run has added to it."""
        if self._has_written:
            self._store.sweep()

    def _lists(self, question: str) -> list[Dependencies]:
        body = self._store.get(question)
        if body is None:
            return []
        try:
            return [parse(one) for one in json.loads(body)[:_MOST_LISTS]]
        except (ValueError, TypeError, KeyError, RecursionError):
            self._store.drop(question)
            return []

    def _name(self, question: str, depends: Dependencies) -> str:
        return digest(question, tuple(depends), self.world.state(depends))
