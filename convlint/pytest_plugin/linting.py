"""convlint in one session of pytest: the models that there are, and one run for all of them."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path

import pytest

from convlint.check import CheckResult, Options, check, prepare, settings_for
from convlint.complaint import Complaint
from convlint.discovery.discover import LintedFile
from convlint.hardware import check_device
from convlint.pytest_plugin.sharing import shared
from convlint.pytest_plugin.verdicts import Place, Verdict, Verdicts, judge


class Linting:
    """Finds the models while pytest collects, and checks those that are left when the first of their tests runs."""

    def __init__(self, config: pytest.Config, *, verifies: bool, device: str | None) -> None:
        try:
            self._device = None if device is None else check_device(device)
        except ValueError as error:
            raise pytest.UsageError(f"convlint: {error}") from None
        self._config = config
        self._verifies = verifies
        self._here = str(config.invocation_params.dir)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._verdicts: Verdicts | None = None
        self.targets: dict[Path, dict[str, int]] = {}
        """The models of each file below the paths, and their rows."""
        self._behind: dict[tuple[str, str], tuple[Place, ...]] = {}  # for a factory or instance, what it stands for

    @cached_property
    def _paths(self) -> list[str]:
        """What pytest was told to look at, without what stands for a test after a path."""
        given = (os.path.join(self._here, argument.partition("::")[0]) for argument in self._config.args)
        return [path for path in given if os.path.exists(path)]  # the rest are names of packages, for --pyargs

    def prepare(self) -> None:
        """Find the models. Raises UsageError."""
        if not self._paths:
            return
        with contextlib.chdir(self._here):
            try:
                discovery, _, plan = prepare(self._paths, Options())
            except Complaint as complaint:
                raise pytest.UsageError(*(f"convlint: {one}" for one in complaint.sentences)) from None
        if discovery.problems:
            raise pytest.UsageError(*(f"convlint: {problem}" for problem in discovery.problems))
        for note in plan.notes:
            self._config.issue_config_time_warning(pytest.PytestConfigWarning(f"convlint: {note}"), stacklevel=2)
        for file in discovery.files:
            self._add_failures(file)
        for job in plan.jobs:
            self.targets.setdefault(Path(job.path), {}).update((model.target, model.row) for model in job.models)
        for job in plan.jobs:
            for name in (model.target for model in job.models if model.kind != "class"):
                self._behind[job.path, name] = tuple(self._without_test(discovery.behind(job.path, name)))

    def _add_failures(self, file: LintedFile) -> None:
        """What cannot be read of a file has a test of its own."""
        for failure in (file.failure, *file.broken_cells):
            if failure is not None:
                row = failure.at.row if failure.at is not None else 1
                self.targets.setdefault(Path(file.path), {})[failure.kind] = row

    def _without_test(self, files: Iterable[LintedFile]) -> Iterator[Place]:
        """The models that are checked only where what stands for them cannot be built."""
        for file in files:
            known = self.targets.get(Path(file.path), {})
            yield from ((file.path, model.target) for model in file.models if model.target not in known)

    def verdict(self, path: str, target: str, wanted: frozenset[str]) -> Verdict:
        """What becomes of the test of a model; `wanted` are the paths of all files with tests to run."""
        if self._verdicts is None:
            self._verdicts = self._shared(lambda: self._run(wanted))
        return self._verdicts.of(path, target)

    def shared_folder(self) -> str:
        """Where workers of pytest-xdist find what one of them has found."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="convlint-")
        return self._folder.name

    def close(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def _shared(self, run: Callable[[], Verdicts]) -> Verdicts:
        folder = getattr(self._config, "workerinput", {}).get("convlint")
        return run() if folder is None else shared(folder, run)

    def _run(self, wanted: frozenset[str]) -> Verdicts:
        with contextlib.chdir(self._here):  # where a test may have left
            try:
                least = settings_for(self._paths, Options()).settings.fail_on
                behind = {place[0] for (path, _), made in self._behind.items() if path in wanted for place in made}
                outcome, missing = self._outcome(Options(only=wanted | behind))
            except Complaint as complaint:
                return Verdicts(complaint="\n".join(complaint.sentences))
            return Verdicts(
                of_models={
                    str(path): {
                        name: judge(
                            outcome.report, (str(path), name), self._behind.get((str(path), name), ()), least, missing
                        )
                        for name in names
                    }
                    for path, names in self.targets.items()
                    if str(path) in wanted
                }
            )

    def _outcome(self, options: Options) -> tuple[CheckResult, str | None]:
        """What convlint finds, and why models are not run although they are to be. Raises Complaint."""
        if not self._verifies:
            return check(self._paths, options), None
        from convlint.verification.verify import DeviceMissing, device_or_reason, requested, trial_pool, verify

        settings = settings_for(self._paths, options).settings.verify
        request = requested(settings, device=self._device)
        with trial_pool() as pool:
            pool.start()
            device = device_or_reason(request.verify.device, pool)
            if not isinstance(device, str):
                return verify(self._paths, options, request.on(device), pool), None
        if settings.require_device:
            raise DeviceMissing(f"{device}; nothing was verified, and require-device asks for it")
        return check(self._paths, options), f"{device}: verification is skipped"
