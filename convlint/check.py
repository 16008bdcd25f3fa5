"""The way through the house: paths in, report out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from convlint.config import Config, ConfigError, load_config
from convlint.diagnostics import Diagnostic
from convlint.discovery.discover import Discovery, discover
from convlint.discovery.ignoring import Patterns, compile_patterns
from convlint.facts import FileFacts
from convlint.filenames import display
from convlint.inputspec import InputSpec
from convlint.jobs import Job, Verify
from convlint.plan import Entries, Plan, left_over, plan, plan_behind, plan_scripts
from convlint.remedies import remedies
from convlint.report import Report
from convlint.rounds import CannotRun, Rounds, by_file, with_built

if TYPE_CHECKING:
    from convlint.cache.known import KnownFacts
    from convlint.cache.memory import Memory
    from convlint.dependencies import Dependencies
    from convlint.pool.serving import ServerProcess
    from convlint.rules.schema import Rule


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says besides the paths; it goes before the configuration file."""

    config: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    inputs: tuple[InputSpec, ...] = ()
    timeout: float | None = None
    require_checked: bool = False
    cache_dir: str | None = None
    no_cache: bool = False
    no_dry_run: bool = False
    jobs: int | None = None
    shows_progress: bool = False
    only: frozenset[str] | None = None  # absolute paths: of the files that are found, those to check


@dataclass(frozen=True, slots=True)
class CheckResult:
    report: Report
    problems: tuple[str, ...]  # wrong paths: the rest is reported, but the run has failed
    notes: tuple[str, ...]  # what looks like a slip in the configuration
    depends: Dependencies | None  # of Gathered


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
    depends: Dependencies | None  # what the facts depend on; None where that is not known, or is time or chance
    jobs: tuple[Job, ...]


@dataclass(slots=True)
class RulesByFile:
    """The rules that hold for each file of a run, by its name."""

    paths: Sequence[str]
    options: Options
    rules: dict[str, tuple[Rule, ...]] = field(default_factory=dict)

    def read(self, found: Discovery) -> None:
        """Raises ConfigError for a selector that names no rule."""
        rules_of(settings_for(self.paths, self.options), self.options)
        for file in found.files:
            config = load_config(os.path.dirname(file.path), self.options.config)
            self.rules[file.filename] = rules_of(config, self.options)


def check(paths: Sequence[str], options: Options, server: ServerProcess | None = None) -> CheckResult:
    """Lint the paths; `server` is one that stands by.

    Raises ConfigError for what the user can set right, else CannotRun.
    """
    rules = RulesByFile(paths, options)
    gathered = gather(paths, options, server, meanwhile=rules.read)
    report = Report(
        diagnose_all(gathered.facts, rules.rules),
        gathered.facts,
        len(gathered.found.looked_at),
        remedies(gathered.facts, gathered.entries),
        options.require_checked or settings_for(paths, options).settings.require_checked,
    )
    return CheckResult(report, gathered.found.problems, gathered.notes, gathered.depends)


def gather(
    paths: Sequence[str],
    options: Options,
    server: ServerProcess | None = None,
    *,
    meanwhile: Callable[[Discovery], None] | None = None,
    verify: Verify | None = None,
) -> Gathered:
    """Find the models and bring in the facts about each; `meanwhile` runs while the worker loads torch.

    With `verify` the facts predict the runs that it asks for.

    Raises ConfigError for what the user can set right, else CannotRun.
    """

    memory = _memory_for(paths, options)  # before any file is read
    found, entries, planned = prepare(paths, options)
    rounds = Rounds(_facts_in(memory), server, verify, options.jobs, options.only, options.shows_progress)
    with rounds:
        facts = _facts_of(rounds, found, entries, planned, options, meanwhile, runs_dry=_runs_dry(options, verify))
    if memory is not None:
        memory.close()
    trouble = (memory.trouble,) if memory is not None and memory.trouble is not None else ()
    depends = rounds.cache.depends if rounds.cache is not None and not trouble else None
    every = by_file([*_failures(found), *with_built(facts)])
    return Gathered(found, every, (*planned.notes, *trouble), entries, depends, tuple(rounds.jobs))


def _facts_of(
    rounds: Rounds,
    found: Discovery,
    entries: Entries,
    planned: Plan,
    options: Options,
    meanwhile: Callable[[Discovery], None] | None,
    *,
    runs_dry: bool,
) -> list[FileFacts]:
    """What scripts show of the models that they build, then what is to be had of the others."""
    facts: list[FileFacts] = []
    jobs, reports = planned.jobs, partial(meanwhile, found) if meanwhile is not None else lambda: None
    scripts = plan_scripts(found, entries, jobs, options.timeout) if runs_dry else ()
    if scripts:
        facts = rounds.rehearsed(scripts, reports)
        jobs, reports = left_over(jobs, facts), lambda: None
    facts += rounds.done(jobs, reports)
    return [*facts, *rounds.done(plan_behind(found, entries, rounds.jobs, facts, options.timeout))]


def _runs_dry(options: Options, verify: Verify | None) -> bool:
    """Whether scripts are run: what predicts real runs builds each model by itself, and so does what is told inputs."""
    return not options.no_dry_run and verify is None and not options.inputs


def prepare(paths: Sequence[str], options: Options) -> tuple[Discovery, Entries, Plan]:
    """Find the models, and say what is to be done with them; none of their code is run. Raises ConfigError."""

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
    return found, entries, planned


def _memory_for(paths: Sequence[str], options: Options) -> Memory | None:
    if options.no_cache:
        return None
    from convlint.cache.memory import Memory
    from convlint.cache.store import Store

    return Memory(Store(cache_folder(settings_for(paths, options), options.cache_dir)))


def _facts_in(memory: Memory | None) -> KnownFacts | None:
    if memory is None:
        return None
    from convlint.cache.known import KnownFacts

    return KnownFacts(memory)


def cache_folder(config: Config, given: str | None) -> str:
    """Where the cache lies; the configuration names a folder relative to its own."""
    from convlint.cache.location import choose_folder

    chosen = config.settings.cache_dir
    return choose_folder(given, os.path.join(config.folder, os.path.expanduser(chosen)) if chosen else None)


def diagnose_all(facts: Sequence[FileFacts], rules: Mapping[str, tuple[Rule, ...]]) -> tuple[Diagnostic, ...]:
    """What the rules find in some files, in their order."""
    from convlint.rules.apply import diagnose

    # Two files that import a third one tell the same of it.
    found = dict.fromkeys(one for file in facts for one in diagnose(file, rules[file.filename]))
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
    kept = {rule.id for rule in chosen} | {rule.id for rule in unignored if rule.match.failure}
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
