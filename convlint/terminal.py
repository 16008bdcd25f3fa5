"""What is said besides the report, and what is known of where it is printed."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TextIO


def say(sentence: str) -> None:
    """A message to the user besides the report."""
    text = f"convlint: {sentence}"
    print(text.encode("utf-8", "backslashreplace").decode(), file=sys.stderr)


def write(stream: TextIO, text: str) -> None:
    """Write the text, spelling out what the stream's encoding cannot hold."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


def wants_color(choice: str, stream: TextIO) -> bool:
    if choice != "auto":
        return choice == "always"
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def silence(stream: TextIO) -> None:
    """Let Python's last flush of a closed pipe go nowhere."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
