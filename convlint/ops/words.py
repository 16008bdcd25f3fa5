"""Small texts about sizes."""

from __future__ import annotations


def kernel_text(sizes: tuple[int, ...]) -> str:
    """`5x5`; in one dimension `of size 5`."""
    return "x".join(map(str, sizes))


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
