"""`convlint explain`: the table of a model, or of a part of it."""

from __future__ import annotations

import shutil
import sys
from typing import Any

from convlint.check import Options, gather
from convlint.complaint import Complaint
from convlint.config import parse_input
from convlint.exit_codes import CLEAN, FAILED
from convlint.explain import parse_target, render, tables_of
from convlint.pool.serving import ServerProcess
from convlint.terminal import say, silence, wants_color

_WIDTH = 110  # cells of a line where there is no terminal to ask


def explain(
    target: str,
    output_format: str,
    inputs: tuple[str, ...],
    color: str,
    given: dict[str, Any],
    server: ServerProcess | None,
) -> int:
    """The exit code. Raises Complaint."""
    wanted = parse_target(target)
    options = Options(inputs=tuple(parse_input(text) for text in inputs), **given)
    gathered = gather([wanted.path], options, server)
    tables = tables_of(gathered.facts, wanted.part)
    failures = [f"{file.filename}: {failure.message}" for file in gathered.facts for failure in file.failures]
    for sentence in (*gathered.found.problems, *failures, *gathered.notes):
        say(sentence)
    if not tables:
        if gathered.found.problems or failures:
            return FAILED
        raise Complaint(f"{target}: there is no model to explain")
    width = shutil.get_terminal_size((_WIDTH, 0)).columns
    colored = wants_color(color, sys.stdout)
    try:
        render(tables, wanted.part, output_format, width=max(width, 40), color=colored, stream=sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)
    return CLEAN if any(table.rows for table in tables) and not gathered.found.problems else FAILED
