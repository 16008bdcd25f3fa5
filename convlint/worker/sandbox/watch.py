"""What the facts of a file depend on besides the job: all that its process asks for outside of the libraries."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile

from convlint.dependencies import Dependencies
from convlint.protocol.leftovers import MARK
from convlint.protocol.scratch import PREFIX
from convlint.watch import Watch, watching
from convlint.worker.sandbox import uncacheable
from convlint.worker.stack.users import IsUser, is_library


class Attendance:
    """A watch, and the last module that was there before it."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self._last = next(reversed(sys.modules))

    def dependencies(self) -> Dependencies | None:
        """None where the outcome depends on chance as well, or on what has no name."""
        # Modules are in the order of their imports; to look at all of them would copy much of the memory shared.
        for name in list(takewhile(lambda name: name != self._last, reversed(sys.modules))):
            file = getattr(sys.modules[name], "__file__", None)
            if isinstance(file, str) and os.path.isabs(file):
                top = name.partition(".")[0]
                if is_library(file) and top not in sys.stdlib_module_names and top != "convlint":
                    self.watch.used(top)
                self.watch.opened(file)
        found = self.watch.dependencies()
        if uncacheable.reasons or found is None:
            return None
        return found._replace(variables=tuple(name for name in found.variables if name != MARK))


@contextmanager
def attending(is_user: IsUser) -> Iterator[Attendance]:
    """While this lasts, everything that the job depends on is noted. What convlint reads for itself is among it."""
    uncacheable.reasons.clear()

    def counts(name: str) -> bool:
        return not _is_scratch(name) and (is_user(name) or not is_library(name))

    with watching(counts, follows_imports=True) as watch:
        yield Attendance(watch)


def _is_scratch(name: str) -> bool:
    """Whether it is in the folder for temporary files that is this process's own."""
    folder = tempfile.tempdir or ""
    return os.path.basename(folder).startswith(PREFIX) and f"{name}{os.sep}".startswith(folder + os.sep)
