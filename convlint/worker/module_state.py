"""What a forward leaves on its modules: taken back after each trace, so that no trace sees the tensors of another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

_DEEPEST = 4  # containers within containers whose contents are kept
_MOST = 10_000  # items of one container


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Give the attributes of all modules, and the lists and dicts among them, what they held before."""
    restorers = [restorer for module in model.modules() for restorer in _of_module(module)]
    try:
        yield
    finally:
        for restore in restorers:
            restore()


def _of_module(module: nn.Module) -> Iterator[Callable[[], None]]:
    """The tables of parameters, buffers and submodules are dicts among the attributes."""
    yield from _of_container(vars(module), 0, set())


def _of_container(value: Any, depth: int, seen: set[int]) -> Iterator[Callable[[], None]]:
    if id(value) in seen or depth > _DEEPEST:
        return
    seen.add(id(value))
    if isinstance(value, dict):
        before = dict(value)
        if len(before) > _MOST:
            return
        yield lambda: _refill(value, before)
        items = list(before.values())
    elif type(value) in (list, deque, set):
        if len(value) > _MOST:
            return
        copy = list(value)
        yield lambda: _relist(value, copy)
        items = copy
    else:
        return
    for item in items:
        if isinstance(item, dict) or type(item) in (list, deque, set):
            yield from _of_container(item, depth + 1, seen)


def _refill(table: dict[Any, Any], before: dict[Any, Any]) -> None:
    if table.keys() != before.keys() or any(table[key] is not before[key] for key in before):
        table.clear()
        table.update(before)


def _relist(value: Any, before: list[Any]) -> None:
    if len(value) == len(before) and all(one is other for one, other in zip(value, before, strict=True)):
        return
    value.clear()
    (value.update if isinstance(value, set) else value.extend)(before)
