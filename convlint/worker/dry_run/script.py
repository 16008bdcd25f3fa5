"""One dry run of a script: in one world, with everything around it that keeps it quiet."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from convlint.facts import Reason
from convlint.jobs import Job, UserFile
from convlint.notebook import is_notebook
from convlint.protocol.clock import had
from convlint.watch import Watch
from convlint.worker.build import constructors
from convlint.worker.build.importing import place_in
from convlint.worker.build.skeleton import Sites, quiet_loading, sited
from convlint.worker.dry_run import command_line, loaders, machine, optimizers, seeds
from convlint.worker.dry_run.calls import ProgramCalls, watched
from convlint.worker.dry_run.functions import call_the_rest
from convlint.worker.dry_run.patches import Patches
from convlint.worker.dry_run.program import Program
from convlint.worker.dry_run.record import Trouble
from convlint.worker.dry_run.unknown import why_unknown
from convlint.worker.dry_run.world import DryRun, Finished, living_in
from convlint.worker.stack.users import IsUser
from convlint.worker.torch_private.fake import FakeTensorMode
from convlint.worker.torch_private.modules import unmoved_modules
from convlint.worker.user_code.time_limit import TimeLimitExceeded, time_limit
from convlint.worker.user_code.wording import said

MAX_SECONDS = 20.0


@dataclass
class Script:
    """A script that is to be run, and what its models are traced with."""

    job: Job
    is_user: IsUser
    mode: FakeTensorMode
    sites: Sites
    watch: Watch | None = None
    editions: Mapping[str, str] | None = None  # of files with another text: the name that it is known under

    def run(self, world: DryRun, seconds: float = MAX_SECONDS) -> None:
        """Run it in a world. Raises nothing that it raises."""
        if _shows_errors(self.job.path):
            world.cut = Reason(kind="value-from-data", detail="the notebook shows an error on purpose")
        world.end = had() + seconds
        self.mode.cache_enabled = True  # sizes are plain numbers here, and the same calls come again
        with living_in(world), self._surroundings(world) as program:
            own = UserFile(filename=self.job.filename, module=self.job.module, search_path=self.job.search_path)
            try:
                with time_limit(seconds + 1), chdir(self._folder(program)):
                    module = program.main(own)
                    try:
                        program.execute(module, self.job.path)
                    finally:
                        call_the_rest(module, self.job.path)
            except SystemExit as error:
                if error.code not in (None, 0):
                    self._note(world, error)
            except (Finished, TimeLimitExceeded) as error:
                self._note(world, error)
            except BaseException as error:
                self._note(world, error)

    def _folder(self, program: Program) -> str:
        folders = program.importer.folders(self.job.path)
        return next((folder for folder in folders if os.path.isdir(folder)), os.getcwd())

    def _note(self, world: DryRun, error: BaseException) -> None:
        kind = type(error).__name__
        world.troubles.append(
            Trouble(place_in(error, self.is_user), why_unknown(error), said(error), world.doubt, kind)
        )

    @contextmanager
    def _surroundings(self, world: DryRun) -> Iterator[Program]:
        calls = ProgramCalls(world, self.mode, self.is_user)
        program = Program(self.job, self.is_user, self.watch, self.editions)
        before = list(sys.path), list(sys.meta_path), sys.argv
        with ExitStack() as stack:
            stack.enter_context(_seeded(world))
            for each in (seeds.of_worlds, optimizers.quiet, loaders.small, machine.pretended, command_line.defaults):
                stack.enter_context(each())
            stack.enter_context(program.files.found())
            program.importer.adapt(program.files, stack.enter_context(Patches()))
            stack.enter_context(sited(self.sites))
            stack.enter_context(constructors.checked(self.sites.report))
            stack.enter_context(unmoved_modules())
            stack.enter_context(quiet_loading())
            stack.enter_context(watched(calls))
            sys.meta_path.insert(0, program)
            sys.argv = [self.job.path]
            try:
                yield program
            finally:
                sys.path[:], sys.meta_path[:], sys.argv = before


def _shows_errors(path: str) -> bool:
    """Whether a notebook was saved with an error among its outputs: its reader is meant to see it."""
    if not is_notebook(path):
        return False
    data = Path(path).read_bytes()
    return b'"output_type": "error"' in data or b"raises-exception" in data


@contextmanager
def _seeded(world: DryRun) -> Iterator[None]:
    random.seed(world.seed)
    np.random.seed(world.seed)
    torch.manual_seed(world.seed)
    with suppress(AttributeError):
        sys.setrecursionlimit(max(sys.getrecursionlimit(), 2000))
    yield
