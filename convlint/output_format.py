"""The formats of a report."""

from __future__ import annotations

from typing import Final, Literal, get_args

OutputFormat = Literal["full", "concise", "json", "sarif", "junit"]
FORMATS: Final[tuple[OutputFormat, ...]] = get_args(OutputFormat)
