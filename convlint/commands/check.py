"""`convlint check`: a kept answer where one still holds, else a new one."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from convlint.exit_codes import FAILED
from convlint.terminal import say, silence, wants_color, write

if TYPE_CHECKING:
    from convlint.cache.answers import Answer, Answers


def check(
    paths: tuple[str, ...], output_file: str | None, color: str, given: Mapping[str, Any], *, may_remember: bool
) -> int:
    """The exit code. `may_remember`: this process has done nothing else, so that all it reads can be watched.

    Raises Complaint.
    """
    paths = paths or (".",)
    if output_file is not None:
        return save(_verdict(paths, given, None, color=color == "always", may_be_empty=False), output_file)
    colored = wants_color(color, sys.stdout)
    if given["no_cache"] or not may_remember:
        return give(_verdict(paths, given, None, color=colored))
    return give(_remembered(paths, given, color=colored))


def _remembered(paths: tuple[str, ...], given: Mapping[str, Any], *, color: bool) -> Answer:
    """The answer of an earlier run that still holds, else a new one."""
    from convlint.cache.answers import answering

    with answering(paths, {**given, "jobs": None, "color": color}) as answers:
        known = answers.known() if answers is not None else None
        return known if known is not None else _verdict(paths, given, answers, color=color)


def _verdict(
    paths: tuple[str, ...],
    given: Mapping[str, Any],
    answers: Answers | None,
    *,
    color: bool,
    may_be_empty: bool = True,
) -> Answer:
    """A new answer, kept for the next time where that may be."""
    from convlint.pool.standby import standing_by  # what a known answer does without

    with standing_by() as server:
        from convlint.verdict import verdict

        answer, depends = verdict(paths, given, server, color=color, may_be_empty=may_be_empty)
    if answers is not None and depends is not None:
        answers.keep(answer, depends)
    return answer


def give(answer: Answer) -> int:
    for note in answer.notes:
        say(note)
    try:
        write(sys.stdout, answer.report)
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)  # `convlint | head` has read enough; the exit code still tells
    return answer.code


def save(answer: Answer, path: str) -> int:
    for note in answer.notes:
        say(note)
    try:
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(answer.report)
    except OSError as error:
        say(f"{path}: cannot be written: {error.strerror or error}")
        return FAILED
    return answer.code
