"""Construction with guessed arguments: again with others, where some are refused."""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import nn

from convlint.facts import ConstructionFact
from convlint.tracebacks import steps_of
from convlint.worker.build.argument import argument
from convlint.worker.build.constructions import Construction
from convlint.worker.build.filling import LENGTH, Filler, Names
from convlint.worker.build.styles import Style
from convlint.worker.user_code.unavailable import Unavailable

MAX_ATTEMPTS = 24


class NothingAccepted(Exception):
    """No filling was accepted; the last refusal is the cause."""


Make = Callable[[Mapping[str, Any]], nn.Module]


def fill(
    target: Any, names: Names, style: Style, fixed: Mapping[str, Any], make: Make
) -> tuple[Construction, nn.Module]:
    """Construct with guessed arguments, trying others where one is refused. Raises Refused or Unavailable."""
    choices: dict[str, int] = {}
    asked: frozenset[str] = frozenset()  # arguments whose default is refused
    error: Exception | None = None
    for _ in range(MAX_ATTEMPTS):
        filler = Filler(style, names, choices, asked)
        try:
            guessed = filler.arguments(target, list(fixed))
            model = make({**guessed, **fixed})
        except Unavailable:
            raise
        except Exception as refusal:
            error = refusal
            missed = _missed(refusal, filler)
            suspect = None if missed else _suspect(refusal, filler, choices)
            if not missed and suspect is None:
                break
            asked |= missed
            choices = choices if suspect is None else {**choices, suspect: choices.get(suspect, 0) + 1}
            continue
        fact = ConstructionFact(origin="guessed", arguments=tuple(argument(*item) for item in guessed.items()))
        made = Construction((), {**guessed, **fixed}, fact, is_known=False, is_plain=False, guessed=frozenset(guessed))
        return made, model
    raise NothingAccepted from error


def _missed(error: Exception, filler: Filler) -> frozenset[str]:
    """The arguments left at None or -1 that the failing line speaks of, where these are what it fails at."""
    said = str(error)
    if not isinstance(error, AssertionError) and not any(sign in said for sign in ("None", "negative", "-1")):
        return frozenset()
    for line in _lines(error):
        named = filler.unset.intersection(re.findall(r"\w+", line))
        if named:
            return frozenset(named)
    return frozenset()


def _suspect(error: Exception, filler: Filler, choices: Mapping[str, int]) -> str | None:
    """The argument to try another value for: one that the failing line names, else the least tried one."""
    left = [name for name, count in filler.offered.items() if choices.get(name, 0) + 1 < count]
    if LENGTH in left and (isinstance(error, IndexError) or any(sign in str(error) for sign in ("unpack", "zip()"))):
        return LENGTH
    for line in _lines(error):
        words = re.findall(r"\w+", line)
        named = [name for name in left if name in words]
        if named:
            return min(named, key=lambda name: choices.get(name, 0))
    return min(left, key=lambda name: choices.get(name, 0), default=None)


def _lines(error: BaseException) -> Iterator[str]:
    """The lines that the error came through, innermost first."""
    for step in steps_of(error):
        yield linecache.getline(step.tb_frame.f_code.co_filename, step.tb_lineno)
