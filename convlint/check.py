"""The way through the house: paths in, report out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from convlint.config import Config, ConfigError, load_config
from convlint.diagnostics import Diagnostic
from convlint.discovery.discover import Discovery, discover
from convlint.discovery.ignoring import Patterns, compile_patterns
from convlint.facts import FileFacts
from convlint.filenames import display
from convlint.jobs import InputSpec, Job
from convlint.plan import Entries, plan
from convlint.remedies import remedies
from convlint.report import Report

if TYPE_CHECKING:
    from convlint.pool import WorkerPool
    from convlint.rules.schema import Rule

_MOST_WORKERS = 8


class CannotRun(Exception):
    """convlint itself is not fit to run: its rules or its worker cannot be used."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says beside the paths; it goes before the configuration file."""

    config: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    inputs: tuple[InputSpec, ...] = ()
    timeout: float | None = None
    require_checked: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    report: Report
    problems: tuple[str, ...]  # wrong paths: the rest is reported, but the run has failed
    notes: tuple[str, ...]  # what looks like a slip in the configuration


def settings_for(paths: Sequence[str], options: Options) -> Config:
    """The configuration that decides what concerns the run as a whole: that of the first path."""
    first = os.path.abspath(paths[0]) if paths else os.getcwd()
    return load_config(first if os.path.isdir(first) else os.path.dirname(first), options.config)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The facts about the models below some paths, before any judgement."""

    found: Discovery
    facts: tuple[FileFacts, ...]  # by name of file
    notes: tuple[str, ...]
    entries: Entries


def check(paths: Sequence[str], options: Options) -> Outcome:
    """Lint the paths. Raises ConfigError for what the user can set right, else CannotRun."""
    rules: dict[str, tuple[Rule, ...]] = {}

    def read_rules(found: Discovery) -> None:
        rules_of(settings_for(paths, options), options)
        for file in found.files:
            config = load_config(os.path.dirname(file.path), options.config)
            rules[file.filename] = rules_of(config, options)

    gathered = gather(paths, options, meanwhile=read_rules)
    report = Report(
        _diagnose(gathered.facts, rules),
        gathered.facts,
        len(gathered.found.looked_at),
        remedies(gathered.facts, gathered.entries),
        options.require_checked or settings_for(paths, options).settings.require_checked,
    )
    return Outcome(report, gathered.found.problems, gathered.notes)


def gather(paths: Sequence[str], options: Options, *, meanwhile: Callable[[Discovery], None] | None = None) -> Gathered:
    """Find the models and bring in the facts about each; `meanwhile` runs while the worker loads torch.

    Raises ConfigError for what the user can set right, else CannotRun.
    """

    def config_of(folder: str) -> Config:
        return load_config(folder, options.config)

    entries = Entries(config_of)
    excluded = _command_line_excludes(options.exclude)
    found = discover(
        paths,
        excludes=lambda folder: [*config_excludes(config_of(folder)), *excluded],
        is_named=lambda path: bool(entries.of(path)),
    )
    planned = plan(found, entries, inputs=options.inputs, timeout=options.timeout)
    with _pool_for(planned.jobs) as pool:
        if meanwhile is not None:
            meanwhile(found)
        facts = sorted([*_failures(found), *_run(pool, planned.jobs)], key=lambda file: file.filename)
    return Gathered(found, tuple(facts), planned.notes, entries)


def _pool_for(jobs: Sequence[Job]) -> AbstractContextManager[WorkerPool | None]:
    """A pool that has begun to load torch; without jobs nothing is started."""
    if not jobs:
        return nullcontext()
    from convlint.pool import WorkerPool  # only a run that has something to check pays for it

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    pool = WorkerPool(parallel=min(cores, len(jobs), _MOST_WORKERS))
    pool.start()
    return pool


def _run(pool: WorkerPool | None, jobs: Sequence[Job]) -> Iterator[FileFacts]:
    if pool is None:
        return
    from convlint.pool import ServerError

    try:
        yield from pool.run(jobs)
    except ServerError as error:
        raise CannotRun(str(error)) from None


def _diagnose(facts: Sequence[FileFacts], rules: Mapping[str, tuple[Rule, ...]]) -> tuple[Diagnostic, ...]:
    from convlint.rules.apply import diagnose

    found = [one for file in facts for one in diagnose(file, rules[file.filename])]
    return tuple(sorted(found, key=lambda one: (one.filename, one.location.row, one.location.column, one.code)))


def rules_of(config: Config, options: Options) -> tuple[Rule, ...]:
    """The rules for the files of a configuration. Raises ConfigError for a selector that names no rule."""
    return _choose(config, options.select or config.settings.select, (*config.settings.ignore, *options.ignore))


@lru_cache(maxsize=64)
def _choose(config: Config, selected: tuple[str, ...], ignored: tuple[str, ...]) -> tuple[Rule, ...]:
    from convlint.rules.load import RuleError, load_rules
    from convlint.rules.select import UnknownRule, select

    try:
        rules = load_rules()
        chosen = select(rules, selected, ignored)
        # That a file could not be analysed is no matter of taste: it is kept unless it is ignored by name.
        unignored = select(rules, (), ignored)
    except UnknownRule as error:
        source = f"{display(config.path)} or the command line: " if config.path else ""
        raise ConfigError(f"{source}select/ignore: {error}") from None
    except RuleError as error:
        raise CannotRun(str(error)) from None
    kept = {rule.id for rule in chosen} | {rule.id for rule in unignored if rule.id.startswith("CL0")}
    return tuple(rule for rule in rules if rule.id in kept)


@lru_cache(maxsize=4096)
def config_excludes(config: Config) -> tuple[Patterns, ...]:
    """The patterns of `exclude`, relative to the folder of the configuration."""
    if not config.settings.exclude:
        return ()
    try:
        return (compile_patterns(config.folder, config.settings.exclude),)
    except ValueError as error:
        name = display(config.path) if config.path else "exclude"
        raise ConfigError(f'{name}: "tool.convlint.exclude": {error}') from None


def _command_line_excludes(patterns: tuple[str, ...]) -> tuple[Patterns, ...]:
    try:
        return (compile_patterns(os.getcwd(), patterns),) if patterns else ()
    except ValueError as error:
        raise ConfigError(f"--exclude: {error}") from None


def _failures(found: Discovery) -> Iterator[FileFacts]:
    """What is already known to be wrong with a file without running it."""
    for file in found.files:
        failures = file.broken_cells if file.failure is None else (file.failure,)
        if failures:
            yield FileFacts(filename=file.filename, failures=failures)
