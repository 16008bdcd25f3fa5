"""Mistakes between plain numbers that no size of the input changes: they need no search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sympy

from convlint.worker.trail import Assumption, Event, Halt, Key, Need, Stop


def unconditional(events: Sequence[Event], path: Sequence[Event] | None = None) -> Iterator[Need]:
    """The requirements that are false whatever the sizes are, at calls that every size comes to, each key once.

    A call is one of these as long as the user's code has asked nothing of a size before it. `path` are the same
    events in the symbols of a search, which know of repairs that spoil what comes behind.
    """
    seen: set[Key] = set()
    for event, known in zip(events, path or events, strict=True):
        if isinstance(event, Stop | Halt) or (isinstance(event, Assumption) and not event.is_inner):
            return
        if not isinstance(event, Need):
            continue
        if event.condition is sympy.false:
            if event.key not in seen:
                seen.add(event.key)
                yield event
        elif isinstance(known, Need) and known.spoils:
            return  # sizes that meet the requirement go another way
