"""A configuration object for a constructor that takes one: whatever it is asked for is guessed by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class GuessedConfig:
    """A configuration object that has whatever is asked of it, guessed by name."""

    def __init__(self, guess: Callable[[str], Any], name: str) -> None:
        self.__dict__.update(_guess=guess, _name=name, _values={})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        values = self.__dict__["_values"]
        if name not in values:
            values[name] = self.__dict__["_guess"](name)
        return values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__["_values"][name] = value

    __setitem__ = __setattr__

    def __getitem__(self, name: Any) -> Any:
        return getattr(self, str(name))

    def __contains__(self, _: object) -> bool:
        return True

    def get(self, name: str, default: Any = None) -> Any:
        return getattr(self, name) if default is None else default

    def keys(self) -> list[str]:
        return []

    def __repr__(self) -> str:
        values = self.__dict__["_values"]
        return f"{self.__dict__['_name']}({', '.join(f'{k}={v!r}' for k, v in values.items())})"
