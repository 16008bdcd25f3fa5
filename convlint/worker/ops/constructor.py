"""What the arguments of a layer's constructor must be to each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ConstructorRequirement:
    """A violation of a constructor call. `argument` is at fault, `repair` is what construction went on with."""

    name: str
    operand: str
    argument: str
    expected: int
    actual: int
    detail: str
    repair: tuple[str, int]


ConstructorRule = Callable[[dict[str, Any]], ConstructorRequirement | None]
"""From the arguments by name to what is wrong with them."""


def divisible(size: str, parts: str) -> ConstructorRule:
    """One argument is a multiple of another one."""

    def rule(given: dict[str, Any]) -> ConstructorRequirement | None:
        whole, divisor = given[size], given[parts]
        if not (is_count(whole) and is_count(divisor)) or whole % divisor == 0:
            return None
        detail = f"{size} {whole} is not divisible by {parts} {divisor}"
        return ConstructorRequirement(parts, f"module.{parts}", parts, divisor, whole, detail, (parts, 1))

    return rule


def is_count(value: Any) -> bool:
    """Whether an argument is a positive whole number."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
