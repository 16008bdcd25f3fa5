"""From the models found and the configuration to the jobs of the worker."""

from __future__ import annotations

import fnmatch
import glob
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from convlint.complaint import suggestion
from convlint.config import Config, ConfigError, ModelEntry
from convlint.config.document import read_text, unfilled_rows
from convlint.discovery.discover import Discovery, LintedFile
from convlint.discovery.roots import FoundModel
from convlint.facts import FileFacts
from convlint.filenames import display
from convlint.inputspec import InputSpec
from convlint.jobs import Job, ModelJob, PlannedModel, ScriptRun
from convlint.signatures.load import texts_of

ConfigOf = Callable[[str], Config]
"""The configuration that holds for a folder."""


@dataclass(frozen=True, slots=True)
class Plan:
    jobs: tuple[Job, ...]
    notes: tuple[str, ...]  # entries of the configuration that match nothing


@dataclass(slots=True)
class Entries:
    """The `[[tool.convlint.model]]` tables of the configurations met, by the files that they name."""

    config_of: ConfigOf
    _files: dict[str | None, dict[str, list[ModelEntry]]] = field(default_factory=dict)
    _configs: dict[str | None, Config] = field(default_factory=dict)
    _signatures: dict[str | None, dict[str, str]] = field(default_factory=dict)

    def of(self, path: str) -> tuple[ModelEntry, ...]:
        """The entries that name a model of the file."""
        config = self.config_of(os.path.dirname(path))
        if config.path not in self._files:
            self._configs[config.path] = config
            self._files[config.path] = _files_of(config)
        return tuple(self._files[config.path].get(path, ()))

    def signatures(self, path: str) -> dict[str, str]:
        """The texts of the signature files that the configuration of a file names. Raises SignatureError."""
        config = self.config_of(os.path.dirname(path))
        if config.path not in self._signatures:
            self._signatures[config.path] = texts_of(config.folder, config.settings.signatures)
        return self._signatures[config.path]

    def unmatched(self, discovery: Discovery) -> Iterator[str]:
        """A note for each entry that names nothing, most likely by a slip of the pen."""
        files = {file.path: file for file in discovery.files}
        for source, config in self._configs.items():
            for entry in config.settings.model:
                paths = [path for path, found in self._files[source].items() if entry in found]
                note = _note(entry, paths, files, discovery.looked_at)
                if note and config.path:
                    yield f'{display(config.path)}: [[tool.convlint.model]] name = "{entry.name}": {note}'

    def unfilled(self) -> Iterator[str]:
        """A note for each file with lines that still hold what convlint put there for the user to replace."""
        for path in filter(None, self._configs):
            rows = [str(row) for row in unfilled_rows(read_text(path))]
            if rows:
                lines = f"line {rows[0]} is" if len(rows) == 1 else f"lines {', '.join(rows)} are"
                yield f'{display(path)}: {lines} still marked "fill in": set the values right, and remove the mark'


def plan(
    discovery: Discovery,
    entries: Entries,
    *,
    inputs: Sequence[InputSpec] = (),
    timeout: float | None = None,
) -> Plan:
    """The jobs for the files that hold a model. Raises ConfigError for a model that the command line names
    and that is not there, and for `inputs` without exactly one model to feed; SignatureError for a mistake in a
    signature file."""
    jobs: list[Job] = []
    problems: list[str] = []
    for file in discovery.files:
        if file.place is None:
            continue
        problems.extend(_missing_targets(file))
        models = tuple(_model_jobs(file, entries.of(file.path)))
        if models:
            jobs.append(_job_of(file, models, entries, timeout))
    if problems:
        raise ConfigError(*problems)
    return Plan(tuple(_feed(jobs, inputs) if inputs else jobs), (*entries.unmatched(discovery), *entries.unfilled()))


def plan_scripts(
    discovery: Discovery, entries: Entries, jobs: Sequence[Job], timeout: float | None = None
) -> tuple[Job, ...]:
    """The jobs that run scripts dry, where the configuration lets them: the models of the other jobs are what they may
    build."""
    models = {job.path: tuple(_planned(job)) for job in jobs}
    found: list[Job] = []
    for file, reach in discovery.scripts:
        settings = entries.config_of(os.path.dirname(file.path)).settings
        if settings.dry_run and not file.targets:
            job = _job_of(file, (), entries, timeout)
            near = {path: models[path] for path in sorted(reach) if models.get(path)}
            found.append(job.model_copy(update={"script": ScriptRun(models=near), "files": {}}))
    return tuple(found)


def _planned(job: Job) -> Iterator[PlannedModel]:
    """The models of a job that nobody speaks of in the configuration or on the command line."""
    for model in job.models:
        if not model.declared and model.inputs is None:
            yield PlannedModel(target=model.target, kind=model.kind, row=model.row)


def left_over(jobs: Sequence[Job], facts: Iterable[FileFacts]) -> tuple[Job, ...]:
    """The jobs without the constructions that scripts have shown: what is left is checked with what hints say."""
    reached: dict[tuple[str, str], set[tuple[str, int]]] = {}
    for one in facts:
        for model in one.script.reached if one.script is not None else ():
            reached.setdefault((model.filename, model.target), set()).add((model.at.filename, model.at.row))
    return tuple(job for job in (_without(job, reached) for job in jobs) if job.models)


def _without(job: Job, reached: Mapping[tuple[str, str], set[tuple[str, int]]]) -> Job:
    kept: list[ModelJob] = []
    for model in job.models:
        places = reached.get((job.filename, model.target), set())
        if not places or model.declared or model.inputs is not None:
            kept.append(model)
            continue
        sites = tuple(site for site in model.sites if (job.shown(site.path), site.row) not in places)
        if sites and model.sites:
            kept.append(model.model_copy(update={"sites": sites}))
    return job.model_copy(update={"models": tuple(kept)})


def plan_behind(
    discovery: Discovery,
    entries: Entries,
    jobs: Sequence[Job],
    facts: Iterable[FileFacts],
    timeout: float | None = None,
) -> tuple[Job, ...]:
    """The jobs for the classes that factories and instances stand for which could not be built."""
    known = {job.path: {model.target for model in job.models} for job in jobs}
    found: dict[str, LintedFile] = {}
    models: dict[str, dict[str, ModelJob]] = {}
    for job, model in _not_built(jobs, facts):
        for file in discovery.behind(job.path, model.target):
            before = found.setdefault(file.path, file)
            found[file.path] = replace(file, files={**before.files, **file.files})
            left = (one for one in file.models if one.target not in known.get(file.path, ()))
            made = ((one.target, _bare(one).model_copy(update=_fed(model))) for one in left)
            models.setdefault(file.path, {}).update(made)
    return tuple(_job_of(found[path], tuple(made.values()), entries, timeout) for path, made in models.items() if made)


def _not_built(jobs: Sequence[Job], facts: Iterable[FileFacts]) -> Iterator[tuple[Job, ModelJob]]:
    """The factories and instances that could not be built in any way."""
    skipped = {file.filename: _skipped(file) for file in facts}
    for job in jobs:
        for model in job.models:
            if model.kind != "class" and model.target in skipped.get(job.filename, ()):
                yield job, model


def _skipped(file: FileFacts) -> set[str]:
    """The targets that were not built in any way."""
    return {model.target for model in file.models} - {
        model.target for model in file.models if model.status != "skipped"
    }


def _fed(model: ModelJob) -> dict[str, object]:
    """What the command line feeds a model goes into what it stands for."""
    return (
        {}
        if model.inputs is None
        else {"inputs": model.inputs, "source": model.source, "origin": model.origin, "hints": ()}
    )


def _job_of(file: LintedFile, models: tuple[ModelJob, ...], entries: Entries, timeout: float | None) -> Job:
    settings = entries.config_of(os.path.dirname(file.path)).settings
    assert file.place is not None
    return Job(
        path=file.path,
        filename=file.filename,
        module=file.place.module,
        search_path=file.place.search_path,
        models=models,
        user_roots=(file.place.root,),
        files=file.files,
        timeout=timeout or settings.timeout,
        memory=settings.memory_limit,
        signatures=entries.signatures(file.path),
    )


def _model_jobs(file: LintedFile, entries: Sequence[ModelEntry]) -> Iterator[ModelJob]:
    """The configured checks of a file, and one for each model that no entry speaks of."""
    declared: dict[str, list[ModelEntry]] = {}
    for entry in entries:
        for model in matches(entry, file):
            declared.setdefault(model.target, []).append(entry)
    named = (*declared, *file.targets)
    found = {model.target: model for model in file.models}
    found |= {name: file.definitions[name] for name in named if name in file.definitions}
    for model in sorted(found.values(), key=lambda model: (model.row, model.target)):
        if file.targets and model.target not in file.targets:
            continue
        bare = _bare(model)
        yield from (_declared(bare, entry, model) for entry in declared.get(model.target, ()))
        if model.target not in declared:
            yield bare


def _bare(model: FoundModel) -> ModelJob:
    return ModelJob(target=model.target, kind=model.kind, row=model.row, sites=model.sites, hints=model.hints)


def _declared(bare: ModelJob, entry: ModelEntry, model: FoundModel) -> ModelJob:
    """What the entry says takes the place of what the project shows."""
    inputs = None if entry.inputs is None else tuple(one.spec() for one in entry.inputs)
    is_known = bool(entry.args or entry.kwargs) or model.is_bare
    return bare.model_copy(
        update={
            "args": entry.args,
            "kwargs": entry.kwargs,
            "inputs": inputs,
            "source": None if inputs is None else "pyproject.toml",
            "origin": "evidence" if inputs is None else "configuration",
            "declared": True,
            "sites": () if is_known else bare.sites,
            "hints": bare.hints if inputs is None else (),
        }
    )


def matches(entry: ModelEntry, file: LintedFile) -> list[FoundModel]:
    """What the entry's name stands for in a file.

    A plain name may be any definition. A pattern stands for the models that convlint would check anyway, or
    else for every definition that fits.
    """
    if not glob.has_magic(entry.target):
        found = file.definitions.get(entry.target)
        return [found] if found else []
    return _fitting(entry.target, file.models) or _fitting(entry.target, file.definitions.values())


def _fitting(pattern: str, models: Iterable[FoundModel]) -> list[FoundModel]:
    return [model for model in models if fnmatch.fnmatchcase(model.target, pattern)]


def _files_of(config: Config) -> dict[str, list[ModelEntry]]:
    found: dict[str, list[ModelEntry]] = {}
    for entry in config.settings.model:
        pattern = os.path.join(glob.escape(config.folder), entry.path)
        for path in glob.glob(pattern, recursive=True):
            found.setdefault(os.path.normpath(path), []).append(entry)
    return found


def _note(
    entry: ModelEntry, paths: list[str], files: Mapping[str, LintedFile], looked_at: Collection[str]
) -> str | None:
    if not paths:
        return "no such file"
    if not all(path in looked_at for path in paths):
        return None  # this run did not look at all the files that the entry is for
    read = [files[path] for path in paths if path in files]
    if any(file.failure or file.broken_cells for file in read) or any(matches(entry, file) for file in read):
        return None
    names = [name for file in read for name in file.definitions]
    return f'no model is called "{entry.target}"{suggestion(entry.target, names)}'


def _missing_targets(file: LintedFile) -> Iterator[str]:
    for target in file.targets:
        if target not in file.definitions:
            yield f'{file.filename}: no model is called "{target}"{suggestion(target, file.definitions)}'


def _feed(jobs: list[Job], inputs: Sequence[InputSpec]) -> list[Job]:
    """`--input` for the one model of the run."""
    found = dict.fromkeys((job.filename, model.target) for job in jobs for model in job.models)
    if len(found) != 1:
        names = [f"{filename}:{target}" for filename, target in found]
        listed = f" ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})" if names else ""
        example = names[0] if names else "net.py:Net"
        raise ConfigError(
            f"--input is for exactly one model, but {len(names) or 'none'} would be checked{listed};"
            f" name one as the path: convlint {example} --input ..."
        )
    update = {"inputs": tuple(inputs), "source": "--input", "origin": "command-line", "hints": ()}
    return [
        job.model_copy(update={"models": tuple(model.model_copy(update=update) for model in job.models)})
        for job in jobs
    ]
