"""The user's file as a module, under the name and on the path that the user would have it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

from convlint.facts import Failure, Span
from convlint.jobs import Job
from convlint.worker.confirm import first_line
from convlint.worker.places import raised_at, span_at, span_of
from convlint.worker.users import IsUser


class ImportFailed(Exception):
    """The file raised while it was imported."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def load(job: Job, is_user: IsUser) -> ModuleType:
    """Import the file. Raises ImportFailed."""
    sys.argv = [job.path]  # a parser of arguments at the top of the file finds none, and its defaults hold
    sys.path[:0] = [path for path in job.search_path if path not in sys.path]
    parent, _, _ = job.module.rpartition(".")
    try:
        if parent:
            importlib.import_module(parent)
        spec = importlib.util.spec_from_file_location(job.module, job.path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{job.filename} is no Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[job.module] = module
        spec.loader.exec_module(module)
    except BaseException as error:
        raise ImportFailed(Failure(kind="import", message=_wording(error), at=place_in(error, is_user))) from error
    return module


def _wording(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"the file calls sys.exit({error.code!r}) while it is imported"
    return f"{type(error).__name__}: {first_line(error)}"


def place_in(error: BaseException, is_user: IsUser) -> Span | None:
    """The innermost place in the user's code that the error came through."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        column = (error.offset or 1) - 1
        return span_at(error.filename, (error.lineno, column, error.lineno, column + 1))
    found = raised_at(error, is_user)
    return span_of(found) if found else None
