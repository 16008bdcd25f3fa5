"""`convlint explain`: the table of a model, or of a part of it; of a layer also the numbers of a real run."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from convlint.check import Gathered, Options, gather, settings_for
from convlint.complaint import Complaint
from convlint.config import ConfigError, parse_input
from convlint.exit_codes import CLEAN, FAILED
from convlint.explain import Target, Values, agrees, parse_target, render, tables_of
from convlint.explain.detail import detail_of
from convlint.explain.table import Table
from convlint.jobs import Verify
from convlint.pool.serving import ServerProcess
from convlint.terminal import say, silence, wants_color

if TYPE_CHECKING:
    from convlint.pool.pool import WorkerPool
    from convlint.verification.values import Question

_WIDTH = 110  # cells of a line where there is no terminal to ask
_OWN = ("at", "call", "input_values", "device")
"""Options that ask for the numbers of a real run."""


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
    own = {name: given.pop(name) for name in _OWN}
    runs = given.pop("values") or any(value is not None for value in own.values())
    options = Options(inputs=tuple(parse_input(text) for text in inputs), **given)
    question = _question(wanted, own, options) if runs else None
    with _pool(question) as pool:
        gathered = gather([wanted.path], options, server, verify=None if question is None else question.verify)
        tables = tables_of(gathered.facts, wanted.part)
        mistakes = _mistakes(gathered)
        for sentence in (*mistakes, *gathered.notes):
            say(sentence)
        if not tables and not mistakes:
            raise Complaint(f"{target}: there is no model to explain")
        if not tables:
            return FAILED
        values = () if question is None or pool is None else _values(gathered, tables, question, pool)
    _show(tables, wanted.part, output_format, values, color)
    is_whole = not gathered.found.problems and _are_explained(tables, values)
    return CLEAN if is_whole else FAILED


def _mistakes(gathered: Gathered) -> list[str]:
    """What is wrong with the path or the files after it."""
    failures = [f"{file.filename}: {failure.message}" for file in gathered.facts for failure in file.failures]
    return [*gathered.found.problems, *failures]


def _show(tables: Sequence[Table], part: str, output_format: str, values: Sequence[Values | None], color: str) -> None:
    """The tables on the standard output, as wide as the terminal is."""
    width = max(shutil.get_terminal_size((_WIDTH, 0)).columns, 40)
    colored = wants_color(color, sys.stdout)
    try:
        render(tables, part, output_format, values=values, width=width, color=colored, stream=sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)


def _are_explained(tables: Sequence[Table], values: Sequence[Values | None]) -> bool:
    """Whether there is a row to see, and the parts of each number add up to what its real run gave."""
    has_rows = any(table.rows for table in tables)
    return has_rows and all(one is not None and agrees(one.breakdown) for one in values)


def _question(wanted: Target, own: dict[str, Any], options: Options) -> Question:
    """Raises ConfigError where no layer is named."""
    from convlint.verification.values import Question

    if not wanted.part:
        raise ConfigError(f"{wanted.path}: values are those of one layer; name it, as in net.py:Net.conv1")
    configured = settings_for([wanted.path], options).settings.verify
    return Question(
        verify=Verify(device=own["device"] or "cpu"),
        layer=wanted.part,
        at=own["at"],
        call=own["call"] or 1,
        source=own["input_values"],
        timeout=options.timeout or configured.timeout,
        memory=configured.memory_limit,
    )


def _pool(question: Question | None) -> WorkerPool | nullcontext[None]:
    """Where the model is run; it begins to load torch while the model is traced."""
    if question is None:
        return nullcontext()
    from convlint.verification.verify import trial_pool

    pool = trial_pool()
    pool.start()
    return pool


def _values(
    gathered: Gathered, tables: Sequence[Table], question: Question, pool: WorkerPool
) -> tuple[Values | None, ...]:
    """The values for each table; what cannot be shown is said. Raises Complaint where nothing can."""
    from convlint.verification.values import values_of

    if any(detail_of(table, question.layer) is None for table in tables):
        raise ConfigError(f"{question.layer} has parts or a forward of its own: values are those of a layer of torch")
    found = values_of(gathered, tables, question, pool)
    reasons = list(dict.fromkeys(one for one in found if isinstance(one, str)))
    if len(reasons) == len(found):
        raise Complaint(*reasons)
    for reason in reasons:
        say(reason)
    return tuple(one if isinstance(one, Values) else None for one in found)
