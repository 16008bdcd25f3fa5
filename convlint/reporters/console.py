"""Tables for the terminal, as text: plain, or with colours."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final

from rich.box import Box
from rich.console import Console

LINE: Final = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)  # one line below the headings


def printed(draw: Callable[[Console], None], *, width: int, color: bool) -> str:
    """What is drawn, on lines of so many cells without blanks at their ends."""
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    draw(console)
    return "".join(line.rstrip() + "\n" for line in stream.getvalue().split("\n")[:-1])
