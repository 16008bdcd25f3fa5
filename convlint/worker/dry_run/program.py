"""The files of a project as the modules of a program that runs: all of their statements, in order, with hooks."""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.util
import sys
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from types import ModuleType

from convlint.jobs import Job, UserFile
from convlint.watch import Watch
from convlint.worker.build.importing import ImportedProject
from convlint.worker.dry_run import packages
from convlint.worker.dry_run.files import ProgramFiles
from convlint.worker.dry_run.recovery import Hooks
from convlint.worker.dry_run.rewriting import HOOKS, Rewriter
from convlint.worker.dry_run.unknown import UnknownValue
from convlint.worker.stack.users import IsUser
from convlint.worker.user_code.module import ProjectModule
from convlint.worker.user_code.source import text_of
from convlint.worker.user_code.standins import Known


def _importer(job: Job, is_user: IsUser, known: Known) -> packages.PatchingImporter:
    return packages.PatchingImporter(job.user_roots, is_user, known, UnknownValue)


class Program(ImportedProject):
    """A finder and the loader of the user's files while one of them runs."""

    def __init__(
        self, job: Job, is_user: IsUser, watch: Watch | None, editions: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(job, is_user, watch, editions)
        known = packages.known(self._signatures.stand_in)
        self.importer: packages.PatchingImporter = packages.PatchingImporter(
            job.user_roots, is_user, known, UnknownValue
        )
        self.files = ProgramFiles(job, self.importer.folders(job.path))

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        self.execute(module, str(module.__spec__.origin))

    def execute(self, module: ModuleType, path: str) -> None:
        """Run a file as a module. Raises what ends it: a SystemExit, or an exception at its top level."""
        name = self._editions.get(path, path)
        rewriter = Rewriter(name)
        tree = rewriter.module(ast.parse(text_of(name), name))
        code = compile(tree, name, "exec", dont_inherit=True)
        names = {
            **vars(builtins),
            **self.files.builtins(),
            "__import__": self.importer,
            HOOKS: Hooks(name, rewriter.statements),
        }
        vars(module).update({"__builtins__": names, "__file__": path})
        exec(code, vars(module))  # noqa: S102 - the user's code, guarded by the process it runs in

    def main(self, file: UserFile) -> ModuleType:
        """The script itself, as `__main__`."""
        for folder in reversed(file.search_path):
            if folder not in sys.path:
                sys.path.insert(0, folder)
        module = ModuleType("__main__")
        package = file.module.rpartition(".")[0]
        if package:
            importlib.import_module(package)
            module.__package__ = package
        sys.modules["__main__"] = module
        return module

    def module_at(self, path: str, file: UserFile) -> ProjectModule:
        raise NotImplementedError
