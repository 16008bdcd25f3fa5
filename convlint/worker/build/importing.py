"""The user's files as modules, under the names and on the path that the user would have them."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

from convlint.facts import Failure, Span
from convlint.jobs import Job, UserFile
from convlint.tracebacks import steps_of
from convlint.watch import Watch
from convlint.worker.ops.signatures.installed import followed
from convlint.worker.ops.signatures.known import KnownSignatures
from convlint.worker.stack.places import FramePlace, raised_at, span_at, span_of
from convlint.worker.stack.users import IsUser
from convlint.worker.user_code import arguments, pretrained
from convlint.worker.user_code.imports import Importer
from convlint.worker.user_code.module import ProjectModule, TopLevel
from convlint.worker.user_code.source import parse
from convlint.worker.user_code.time_limit import RING, TimeLimitExceeded
from convlint.worker.user_code.unavailable import Unavailable
from convlint.worker.user_code.wording import said


class ImportedProject(MetaPathFinder, Loader):
    """The files of the project that one job imports. It is a finder and the loader of what it finds."""

    def __init__(
        self, job: Job, is_user: IsUser, watch: Watch | None = None, editions: Mapping[str, str] | None = None
    ) -> None:
        self._job = job
        self._editions = editions or {}
        self._is_user = is_user
        self._watch = watch
        self._modules: dict[str, ProjectModule] = {}  # by path
        self._signatures = KnownSignatures(job.signatures)
        self.importer = Importer(job.user_roots, is_user, self._signatures.stand_in)
        self.failures: list[tuple[str, BaseException]] = []  # the file, and what one of its statements raised

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target)
        if self._watch is not None:
            self._watch.looked_for(fullname, sys.path if path is None else path, spec)
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            return None
        if not self._is_user(spec.origin):
            return followed(spec, self._signatures) or pretrained.changed(spec)
        spec.loader = self
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return ProjectModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        assert isinstance(module, ProjectModule)
        assert module.__spec__ is not None
        self._execute(module, str(module.__spec__.origin))

    def _execute(self, module: ProjectModule, path: str) -> None:
        name = self._editions.get(path, path)
        top = TopLevel(module, parse(name), path, self.importer, self.importer.folders(path), name)
        self._modules.setdefault(path, module)
        try:
            top.start()
        finally:
            self.failures.extend((path, error) for _, error in top.failures)

    def module_at(self, path: str, file: UserFile) -> ProjectModule:
        """The module of a file, imported if that was not done before. Raises what the import raises."""
        if path not in self._modules:
            _extend_path(file.search_path)
            parent, _, _ = file.module.rpartition(".")
            if parent:
                importlib.import_module(parent)
            if path not in self._modules:
                spec = importlib.util.spec_from_file_location(file.module, path, loader=self)
                assert spec is not None
                module = importlib.util.module_from_spec(spec)
                sys.modules[file.module] = module
                self.exec_module(module)
        return self._modules[path]

    def load(self) -> ProjectModule:
        """The linted file itself."""
        own = UserFile(filename=self._job.filename, module=self._job.module, search_path=self._job.search_path)
        return self.module_at(self._job.path, own)

    def own_failures(self) -> Iterator[Failure]:
        """What the statements of the linted file raised, as far as Python would raise it for the user as well."""
        for path, error in self.failures:
            if path == self._job.path and self._is_the_users(error):
                yield Failure(kind="import", message=wording(error), at=place_in(error, self._is_user))

    def _is_the_users(self, error: BaseException) -> bool:
        if isinstance(error, (Unavailable, OSError, MemoryError, RecursionError)) or not isinstance(error, Exception):
            return False
        # Where a package is stood in for, its absence may be the reason.
        return not self.importer.missing or isinstance(error, (SyntaxError, ImportError))


@contextmanager
def importing(
    job: Job, is_user: IsUser, watch: Watch | None = None, editions: Mapping[str, str] | None = None
) -> Iterator[ImportedProject]:
    """While this lasts, the user's files are found as modules that execute late.

    `editions`: for some files, the name under which another text of theirs is known to `source`.
    """
    sys.argv = [job.path]
    project = ImportedProject(job, is_user, watch, editions)
    sys.meta_path.insert(0, project)
    try:
        with arguments.defaults_only(argparse.ArgumentParser):
            yield project
    finally:
        sys.meta_path.remove(project)


def _extend_path(folders: Sequence[str]) -> None:
    sys.path[:0] = [folder for folder in folders if folder not in sys.path]


def wording(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"the file calls sys.exit({error.code!r}) while it is imported"
    return said(error)


def stuck_at(error: TimeLimitExceeded, is_user: IsUser) -> Span | None:
    """The place in the user's code that was being executed when the time was over; None where it was another's."""
    steps = (step for step in steps_of(error) if step.tb_frame.f_code is not RING)
    last = next(steps, None)
    if last is None or not is_user(last.tb_frame.f_code.co_filename):
        return None
    return span_of(FramePlace(last.tb_frame.f_code, last.tb_lasti))


def place_in(error: BaseException, is_user: IsUser) -> Span | None:
    """The innermost place in the user's code that the error came through."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        column = (error.offset or 1) - 1
        return span_at(error.filename, (error.lineno, column, error.lineno, column + 1))
    found = raised_at(error, is_user)
    return span_of(found) if found else None
