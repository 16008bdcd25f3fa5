"""Loops of a program, cut by what they do: two rounds that feed a model show what all the others do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

import torch

from convlint.facts import Reason
from convlint.worker.dry_run.rewriting import Hooked
from convlint.worker.dry_run.world import current
from convlint.worker.stack.places import line_span

MOST_ROUNDS = 100_000
MOST_SECONDS = 3.0
"""Processor time of a loop that feeds no model."""
_FEW_ROUNDS = 64
_FEW_SECONDS = 1.0
"""An innermost loop that trains nothing, as over the steps of a sequence, is followed as far as this."""
_ENOUGH = 2


class Loop:
    """The rounds of one run of a loop."""

    def __init__(self, hooked: Hooked, frame: FrameType, *, is_free: bool = False) -> None:
        self._hooked, self._frame, self._is_free = hooked, frame, is_free
        current().loops += 1
        self._rounds = self._fed = 0
        self._before = current().fed
        self._busy = current().loops, current().steps
        self._started = time.process_time()

    def again(self) -> bool:
        """Whether another round is to be made; called before each, the first one too."""
        if self._is_free:
            return True
        world = current()
        if self._rounds:
            world.check_time()
            self._fed += world.fed > self._before
            self._before = world.fed
            if self.is_done:
                self._leave()
                return False
        self._rounds += 1
        return True

    @property
    def is_plain(self) -> bool:
        """Whether no round of it holds another loop, or trains."""
        return self._hooked.is_innermost and self._busy == (current().loops, current().steps)

    @property
    def feeds(self) -> bool:
        """Whether the round that runs has fed a model."""
        return current().fed > self._before

    @property
    def is_done(self) -> bool:
        """Whether enough has been seen."""
        spent = time.process_time() - self._started
        if not self._fed:
            return self._rounds >= MOST_ROUNDS or spent > MOST_SECONDS
        if self.is_plain:
            return self._rounds >= _FEW_ROUNDS or spent > _FEW_SECONDS
        return self._fed >= _ENOUGH

    def _leave(self) -> None:
        world = current()
        if not self._fed:
            at = line_span(self._frame.f_code.co_filename, self._hooked.node.lineno)
            world.cut = world.cut or Reason(kind="loop-cut", at=at)
        self.taint_changed()

    def taint_changed(self) -> None:
        """What grows with each round is shorter here than it would be."""
        world, names = current(), self._frame.f_locals
        for name in self._hooked.changes:
            value = names.get(name, dict.get(self._frame.f_globals, name))
            if isinstance(value, list | dict | set) or (isinstance(value, torch.Tensor) and value.dim()):
                world.taint(value)


def cut(iterated: Any, hooked: Hooked, frame: FrameType) -> Iterator[Any]:
    """The first rounds of a `for`, and the last one where that is known."""
    loop = Loop(hooked, frame)
    ends = isinstance(iterated, range | list | tuple)
    for number, item in enumerate(iterated):
        if not loop.again():
            return
        yield item
        if ends and loop.feeds and not loop.is_plain:
            yield from iterated[max(number + 1, len(iterated) - 1) :]
            if len(iterated) - number > _ENOUGH:
                loop.taint_changed()
            return
