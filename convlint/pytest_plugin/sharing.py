"""Work that several processes need and one of them does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from convlint.pytest_plugin.verdicts import Verdicts

try:
    import fcntl
except ImportError:  # no POSIX system: each process works for itself
    fcntl = None  # type: ignore[assignment]


def shared(folder: str, work: Callable[[], Verdicts]) -> Verdicts:
    """What the first process that asks has worked out; the others wait for it."""
    if fcntl is None or not os.path.isdir(folder):  # a worker on another machine does not see it
        return work()
    kept = Path(folder, "verdicts.json")
    with _locked(Path(folder, "lock")):
        if not kept.exists():
            verdicts = work()
            begun = kept.with_suffix(".tmp")
            begun.write_text(verdicts.model_dump_json(), encoding="utf-8")
            begun.replace(kept)
            return verdicts
    return Verdicts.model_validate_json(kept.read_text(encoding="utf-8"))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Alone; the system gives the lock back where a process dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
