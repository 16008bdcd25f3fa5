"""Multiply-adds: products that are added to a sum, half of what `torch.utils.flop_counter` calls flops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from convlint.facts import Dim
from convlint.ops.expression import Count, count, operand


@dataclass(frozen=True, slots=True)
class Work:
    """Multiply-adds, and how they are reckoned; `total` is None where that is not known."""

    total: Count | None
    text: str = ""  # "32*1*3*3 * 26*26"


NOTHING = Work(Count())


UNKNOWN = Work(None)


def grouped_times(number: int, shape: tuple[int, ...]) -> str:
    product = "*".join(map(str, shape))
    return product if number == 1 else f"{number}*{product}" if len(shape) == 1 else f"{number}*({product})"


def product_of(*shapes: Sequence[Dim]) -> Work:
    total = count(size for shape in shapes for size in shape)
    return Work(total, joined([plain(shape) for shape in shapes]))


def joined(parts: Sequence[str]) -> str:
    return " * ".join(part for part in parts if part)


def plain(shape: Sequence[Dim]) -> str:
    """`26*26`, the batch left out."""
    return "*".join(operand(size) for size in shape if size != "B")
