"""Lines of styled text, and how they become text: plain, or with colours."""

from __future__ import annotations

from collections.abc import Iterable

Segment = tuple[str, str]
"""A text and its style, such as "bold red"; "" is plain."""

Line = tuple[Segment, ...]


def plain(lines: Iterable[Line]) -> str:
    """The lines without their styles."""
    return "".join("".join(text for text, _ in line).rstrip() + "\n" for line in lines)


def coloured(lines: Iterable[Line]) -> str:
    """The lines with ANSI colours."""
    # Here and not above: a run without colours need not wait for rich.
    from rich.color import ColorSystem
    from rich.style import Style

    def paint(segment: Segment) -> str:
        text, style = segment
        return Style.parse(style).render(text, color_system=ColorSystem.STANDARD) if style else text

    return "".join("".join(paint(segment) for segment in line) + "\n" for line in lines)
