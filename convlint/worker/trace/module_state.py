"""What a forward leaves on its modules: taken back after each trace, so that no trace sees the tensors of another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

_DEEPEST = 4  # containers within containers whose contents are kept
_MOST = 10_000  # items of one container
_KINDS = (dict, list, deque, set)


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Give the attributes of all modules, and the lists and dicts among them, what they held before."""
    kept = [pair for module in model.modules() for pair in _containers(vars(module))]
    try:
        yield
    finally:
        for container, before in kept:
            if before or container:
                (_refill if isinstance(container, dict) else _relist)(container, before)


def _containers(table: dict[str, Any]) -> list[tuple[Any, Any]]:
    """The attributes of a module and the containers among them, each with a copy of what it holds.

    The tables of parameters, buffers and submodules are dicts among the attributes.
    """
    kept: list[tuple[Any, Any]] = []
    seen: set[int] = set()
    waiting: list[tuple[Any, int]] = [(table, 0)]
    while waiting:
        value, depth = waiting.pop()
        if id(value) in seen or depth > _DEEPEST or len(value) > _MOST:
            continue
        seen.add(id(value))
        before: Any = dict(value) if isinstance(value, dict) else list(value)
        kept.append((value, before))
        items = before.values() if isinstance(value, dict) else before
        waiting += [(item, depth + 1) for item in items if type(item) in _KINDS or isinstance(item, dict)]
    return kept


def _refill(table: dict[Any, Any], before: dict[Any, Any]) -> None:
    if table.keys() != before.keys() or any(table[key] is not before[key] for key in before):
        table.clear()
        table.update(before)


def _relist(value: Any, before: list[Any]) -> None:
    if len(value) == len(before) and all(one is other for one, other in zip(value, before, strict=True)):
        return
    value.clear()
    (value.update if isinstance(value, set) else value.extend)(before)
