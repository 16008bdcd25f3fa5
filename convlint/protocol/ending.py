"""How a job's process ended without facts, and the failure that a reader is said of.

The worker server observes an ending; convlint words it, and finds the user's line in it. No torch here.
"""

from __future__ import annotations

import ast
import os
import re
import signal
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Literal, TextIO

from pydantic import BaseModel, ConfigDict

from convlint.facts import Failure, FileFacts, Span
from convlint.jobs import Job
from convlint.notebook import open_notebook
from convlint.tracebacks import steps_of

How = Literal["exited", "signalled", "timeout", "too large", "server died", "server stuck", "given up"]
Place = tuple[str, int]  # file and row

UNSENT = 70
"""The exit status of a process that could not hand over its facts."""

_DUMP_HEADER = re.compile(r"^(?:Current thread|Thread|Stack) .*$", re.MULTILINE)
_DUMP_FRAME = re.compile(r'^  File "(.*)", line (\d+) in (.*)$', re.MULTILINE)
_ESCAPED = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")
_UNPRINTABLE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[^ -~\u00a0-\U0010ffff]")
_BAD_ALLOC = "std::bad_alloc"  # the last words of C++ code that gets no memory
_LAST_WORDS = 200  # characters of a process's last line that a message repeats


class JobEnding(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    how: How
    code: int = 0  # the exit status or the signal
    last_words: str = ""  # the end of what it wrote to stderr
    dump: str = ""  # what faulthandler wrote: the innermost frame first
    guards: tuple[str, ...] = ()  # what was put up around it, in words


def failed(job: Job, ending: JobEnding) -> FileFacts:
    """The facts of a file whose process ended without any."""
    return facts_of(job, _failure(job, ending)).model_copy(update={"guards": ending.guards})


def _failure(job: Job, ending: JobEnding) -> Failure:
    at = user_span(job, dumped_places(ending.dump))
    where = f" at {at.filename}:{at.row}" if at else ""
    if ending.how == "timeout":
        message = (
            f"{job.filename} ran longer than {job.timeout:g} s and was stopped{where}; "
            f"raise the limit with `--timeout` or `timeout` in {job.section}"
        )
        return Failure(kind="timeout", message=message, at=at)
    if _BAD_ALLOC in ending.last_words:
        return Failure(kind="memory", message=_hungry(job, where), at=at)
    if ending.how == "exited" and at is not None and ending.code != UNSENT:
        return Failure(kind="crash", message=_ended_by(job, ending, at) + _words(ending), at=at)
    message = f"the process for {job.filename} {_fate(ending)}{where}"
    return Failure(kind="crash", message=message + _words(ending), at=at)


def _words(ending: JobEnding) -> str:
    """What a process wrote last."""
    words = _last_line(ending.last_words)
    return f"; the last line on its stderr: {words}" if words else ""


def _ended_by(job: Job, ending: JobEnding, at: Span) -> str:
    """``forward of `Net` ended the Python process: `os._exit(3)` at line 11``."""
    frames = _frames(ending.dump)
    path, row, function = next(frame for frame in frames if user_span(job, [frame[:2]]) == at)
    line = _line(path, row).strip()
    who = "the file" if function == "<module>" else f"{function}{_owner(path, row)}"
    where = f"line {at.row}" if at.filename == job.filename else f"{at.filename}, line {at.row}"
    return f"{who} ended the Python process with status {ending.code}: `{_printable(line)[:_LAST_WORDS]}` at {where}"


def _owner(path: str, row: int) -> str:
    """`` of `Net` `` for a row inside a class."""
    try:
        with _opened(path) as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return ""
    classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    inside = [node for node in classes if node.lineno <= row <= (node.end_lineno or 0)]
    return f" of `{max(inside, key=lambda node: node.lineno).name}`" if inside else ""


def _hungry(job: Job, where: str) -> str:
    way_out = f"raise the limit with `memory-limit` in {job.section}"
    return f"{job.filename} needs more than {job.memory} MB of memory{where}; {way_out}"


def raised(job: Job, error: BaseException) -> FileFacts:
    """The facts of a file whose run raised what nothing else caught."""
    at = user_span(job, traced_places(error))
    where = f" at {at.filename}:{at.row}" if at else ""
    if isinstance(error, MemoryError):
        return facts_of(job, Failure(kind="memory", message=_hungry(job, where), at=at))
    said = _printable(f"{type(error).__name__}: {error}")[:_LAST_WORDS]
    if isinstance(error, Exception):  # the worker catches what user code raises
        message = f"convlint failed on {job.filename}{where}: {said}; please report it"
        return facts_of(job, Failure(kind="crash", message=message, at=at))
    message = f"{job.filename} ended the process with {said}{where}"
    message += '; put that under `if __name__ == "__main__":`'
    return facts_of(job, Failure(kind="import", message=message, at=at))


def facts_of(job: Job, failure: Failure) -> FileFacts:
    return FileFacts(filename=job.filename, failures=(failure,))


def dumped_places(dump: str) -> Iterator[Place]:
    """The frames of faulthandler's last dump, innermost first."""
    return (frame[:2] for frame in _frames(dump))


def _frames(dump: str) -> Iterator[tuple[str, int, str]]:
    """File, row and function of each."""
    headers = list(_DUMP_HEADER.finditer(dump))
    for match in _DUMP_FRAME.finditer(dump, headers[-1].end() if headers else 0):
        yield _ESCAPED.sub(_unescape, match[1]), int(match[2]), match[3]


def traced_places(error: BaseException) -> Iterator[Place]:
    """The frames an exception came through, innermost first."""
    return ((step.tb_frame.f_code.co_filename, step.tb_lineno) for step in steps_of(error))


def user_span(job: Job, places: Iterable[Place]) -> Span | None:
    """The first of the places that is in the user's own code."""
    for path, row in places:
        if path == job.path or _is_own(path, job.user_roots):
            first, last = _columns(path, row)
            return Span(filename=job.shown(path), row=row, column=first, end_row=row, end_column=last)
    return None


def _is_own(path: str, roots: tuple[str, ...]) -> bool:
    if not os.path.isabs(path) or {"site-packages", "dist-packages"} & set(path.split(os.sep)):
        return False
    if any(_lies_in(path, os.path.dirname(module)) for module in (__file__, os.__file__)):
        return False  # convlint itself, the standard library
    return any(_lies_in(path, root) for root in roots)


def _lies_in(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def _line(path: str, row: int) -> str:
    """The text of a line, without the blanks after it; empty when it cannot be read."""
    try:
        with _opened(path) as file:
            return next(text for number, text in enumerate(file, 1) if number == row).rstrip()
    except (OSError, StopIteration):
        return ""


def _columns(path: str, row: int) -> tuple[int, int]:
    """Where the text of a line begins and ends; 1, 1 when it cannot be read."""
    line = _line(path, row)
    return len(line) - len(line.lstrip()) + 1, len(line) + 1


def _opened(path: str) -> TextIO:
    notebook = open_notebook(path)
    return StringIO(notebook.source) if notebook is not None else open(path, encoding="utf-8", errors="replace")


def _fate(ending: JobEnding) -> str:
    match ending.how:
        case "timeout":
            return "ran out of time"
        case "exited" if ending.code == UNSENT:
            return "could not hand over its facts: it had closed or broken what it needs for that"
        case "exited":
            return f"exited with status {ending.code} before it handed over any facts"
        case "signalled":
            try:
                name = signal.Signals(ending.code).name
            except ValueError:
                name = f"signal {ending.code}"
            return f"died with {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
        case "too large":
            return f"sent more facts than the limit of {ending.code} bytes"
        case "server stuck":
            return "stopped the worker server, which did not answer any more"
        case "given up":
            return f"was not started, since the worker server had died {ending.code} times in a row"
        case "server died":
            return "took the worker server down with it"


def _last_line(words: str) -> str:
    lines = [line for line in (_printable(line).strip() for line in words.splitlines()) if line]
    return lines[-1][:_LAST_WORDS] if lines else ""


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub(" ", text)


def _unescape(match: re.Match[str]) -> str:
    return chr(int(next(digits for digits in match.groups() if digits), 16))
