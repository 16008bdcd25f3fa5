"""The whole work on one file: import it, and bring back the facts of each of its models."""

from __future__ import annotations

from pathlib import Path

from convlint.facts import BuildFailure, Failure, FileFacts, ModelFacts, Span
from convlint.jobs import Job, ModelJob
from convlint.worker.building import NotBuilt, build
from convlint.worker.examine import examine
from convlint.worker.importing import ImportFailed, load
from convlint.worker.inputs import declared
from convlint.worker.modelfacts import model_facts
from convlint.worker.run import Workshop
from convlint.worker.skeleton import Sites, building
from convlint.worker.torch_private import new_env, new_mode
from convlint.worker.users import user_test


def run(job: Job) -> FileFacts:
    """Check every model that the job names. Raises nothing that the user's code raised."""
    is_user = user_test(job.path, job.user_roots)
    mode = new_mode(new_env())
    sites = Sites()
    models: list[ModelFacts] = []
    broken: list[BuildFailure] = []
    failures: list[Failure] = []
    try:
        with building(mode, sites):
            module = load(job, is_user)
    except ImportFailed as error:
        failures.append(error.failure)
    else:
        for wanted in job.models:
            name = f"{Path(job.path).stem}.{wanted.target}"
            try:
                with building(mode, sites):
                    built = build(module, wanted, mode, sites, is_user)
            except NotBuilt as error:
                if error.failure is not None:
                    broken.append(error.failure)
                models.append(_skipped(name, wanted, error))
                continue
            shop = Workshop(built.model, mode, sites, is_user)
            inputs = None
            if wanted.inputs is not None:
                inputs = declared(built.model, wanted.inputs, wanted.source or "declared")
            examination = examine(shop, inputs)
            models.append(model_facts(name, wanted, examination, sites, built.model, is_user))
    facts = FileFacts(
        filename=job.filename, models=tuple(models), failures=tuple(failures), build_failures=tuple(broken)
    )
    return _relative(facts, job)


def _skipped(name: str, wanted: ModelJob, error: NotBuilt) -> ModelFacts:
    return ModelFacts(
        name=name,
        target=wanted.target,
        row=wanted.row,
        status="skipped",
        reason=error.reason,
        stopped=error.at,
    )


def _relative(facts: FileFacts, job: Job) -> FileFacts:
    """Spans with the file names that the user gave, relative to the working directory where they lie below it."""
    here = Path.cwd()

    def short(filename: str) -> str:
        if filename == job.path:
            return job.filename
        path = Path(filename)
        return str(path.relative_to(here)) if path.is_relative_to(here) else filename

    def shorten(value: object) -> object:
        if isinstance(value, dict):
            if set(value) == set(Span.model_fields):
                return {**value, "filename": short(str(value["filename"]))}
            return {key: shorten(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [shorten(item) for item in value]
        return value

    return FileFacts.model_validate(shorten(facts.model_dump()))
