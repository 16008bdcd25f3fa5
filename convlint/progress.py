"""A progress bar on a terminal, for runs that take over a second."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds after which a run is worth a bar."""


def watched(answers: Iterator[T], count: int, *, is_shown: bool, noun: str = "files") -> Iterator[T]:
    """The same answers, with a bar on stderr while they come, where that is a terminal."""
    if not is_shown or count == 0 or not sys.stderr.isatty():
        yield from answers
        return
    bar = _Bar(count, noun)
    timer = threading.Timer(PATIENCE, bar.show)
    timer.daemon = True
    timer.start()
    try:
        for one in answers:
            yield one
            bar.advance()
    finally:
        timer.cancel()
        bar.end()


class _Bar:
    """rich's bar, which is not even imported before it is shown."""

    def __init__(self, count: int, noun: str) -> None:
        self._count = count
        self._noun = noun
        self._done = 0
        self._is_over = False
        self._lock = threading.Lock()
        self._progress: Progress | None = None

    def show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("checking"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(self._noun),
            TimeElapsedColumn(),
        )
        with self._lock:
            if self._is_over:
                return
            self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
            self._progress.add_task("checking", total=self._count, completed=self._done)
            self._progress.start()

    def advance(self) -> None:
        with self._lock:
            self._done += 1
            if self._progress is not None:
                self._progress.update(self._progress.task_ids[0], completed=self._done)

    def end(self) -> None:
        with self._lock:
            self._is_over = True
            if self._progress is not None:
                self._progress.stop()
