"""Attributes of libraries that are others for a while."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self


class Patches:
    """Puts values in the place of others, and puts those back at the end."""

    def __init__(self) -> None:
        self._kept: list[tuple[Any, str, Any, bool]] = []

    def put(self, owner: Any, name: str, value: Any) -> None:
        names = vars(owner)
        self._kept.append((owner, name, names.get(name), name in names))
        setattr(owner, name, value)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for owner, name, value, was_there in reversed(self._kept):
            if was_there:
                setattr(owner, name, value)
            else:
                delattr(owner, name)
