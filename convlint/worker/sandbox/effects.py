"""No side effects: user code that writes, connects or starts programs is refused with an OSError of its own.

What the user's own code asked for while it was imported is kept, to be reported. Installed for good, hence only in a
process that ends with its job. This is for accidents: code that means to get around it can.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from convlint.facts import MOST_EFFECTS, Effect, Span
from convlint.filenames import display
from convlint.jobs import Job
from convlint.worker.sandbox.deeds import COMPILERS, HARMLESS, WATCHED, Deed, deeds
from convlint.worker.sandbox.witness import Witness, is_at_import, witness_of
from convlint.worker.stack.places import FramePlace, span_of
from convlint.worker.stack.users import user_test

_FREE = frozenset({os.devnull, "/dev/zero", "/dev/full"})
_SHARED_MEMORY = "/dev/shm/pym-"  # what multiprocessing keeps its values in
_LONGEST = 200  # characters that are told of an address or a program


_permitted = list[bool]()
"""Not empty while convlint itself does what is refused to user code."""


@contextmanager
def permitted() -> Iterator[None]:
    """While this lasts, nothing is refused; no user code runs in it."""
    _permitted.append(True)
    try:
        yield
    finally:
        _permitted.pop()


@dataclass
class EffectLedger:
    """What was refused to the user's own code, each once, in the order of time."""

    job: Job
    start: str  # the working directory before user code could leave it
    deeds: dict[tuple[str, FramePlace], Deed] = field(default_factory=dict)

    def said(self, deed: Deed) -> str:
        words = deed.what if deed.path is None else f"{deed.what} {display(deed.path, self.start)}"
        return words if len(words) <= _LONGEST else words[: _LONGEST - 3] + "..."

    def note(self, deed: Deed, place: FramePlace) -> None:
        if len(self.deeds) < MOST_EFFECTS:
            self.deeds.setdefault((self.said(deed), place), deed)

    def facts(self) -> tuple[Effect, ...]:
        return tuple(
            Effect(kind=deed.kind, what=said, at=self._span(place)) for (said, place), deed in self.deeds.items()
        )

    def _span(self, place: FramePlace) -> Span | None:
        span = span_of(place)
        if span is None:
            return None
        return span.model_copy(update={"filename": self.job.shown(span.filename, self.start)})


def forbid(job: Job, folder: str) -> EffectLedger:
    """Refuse what user code would do outside of this process and this folder; the ledger fills as it tries."""
    ledger, is_user = EffectLedger(job, os.getcwd()), user_test(job.path, job.user_roots)
    frame_of = sys._getframe
    is_own = _belongs_to_libraries(os.path.expanduser("~"))
    programs = HARMLESS | (COMPILERS if job.trial is not None and job.trial.compiles else frozenset())

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        for deed in deeds(event, arguments, programs) if event in WATCHED else ():
            if _permitted or (deed.path is not None and _is_free(deed.path, folder)):
                continue
            witness = witness_of(frame_of(1), is_user)
            if (
                job.script is None
                and witness is not None
                and is_at_import(frame_of(1), is_user)
                and not is_own(deed, witness)
            ):
                ledger.note(deed, witness.place)
            raise PermissionError(f"convlint refuses code that {ledger.said(deed)}")

    sys.addaudithook(hook)
    return ledger


def _is_free(path: str, folder: str) -> bool:
    # A file without a name is made by opening its folder.
    return path in _FREE or path == folder or path.startswith((folder + os.sep, _SHARED_MEMORY))


def _belongs_to_libraries(home: str) -> Callable[[Deed, Witness], bool]:
    """A test for what a package writes by itself on the user's call: its cache, below a hidden folder or next to it."""
    hidden = os.path.join(os.path.realpath(home), ".")

    def belongs(deed: Deed, witness: Witness) -> bool:
        if deed.path is None or witness.is_direct:
            return False
        return deed.path.startswith((hidden, *map(os.path.realpath, (sys.prefix, sys.base_prefix))))

    return belongs
