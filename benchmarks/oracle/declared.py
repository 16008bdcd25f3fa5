"""Nets from files whose inputs are declared: in pyproject.toml, next to the model, or in a folder's expected.csv."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.oracle.net import Net
from benchmarks.oracle.sources import LeftOut, fit_for_a_file, running, standing_alone
from convlint.check import config_excludes
from convlint.config import load_config
from convlint.discovery.discover import LintedFile, discover
from convlint.inputspec import InputSpec
from convlint.jobs import ModelJob
from convlint.plan import Entries, plan

CASES = "expected.csv"


def declared(paths: Sequence[Path]) -> Iterator[Net | LeftOut]:
    """The models below the paths, by file and row. Each still has to run: see `that_runs`."""
    folders = [path for path in paths if (path / CASES).is_file()]
    for folder in folders:
        yield from _cases(folder)
    others = [str(path.resolve()) for path in paths if path not in folders]
    if others:
        yield from _configured(others)


def that_runs(net: Net | LeftOut) -> Net | LeftOut:
    return net if isinstance(net, LeftOut) else running(net, lambda _: [net.inputs])


def _cases(folder: Path) -> Iterator[Net]:
    """The files of a folder of cases, as `benchmarks/cases.py` has them; their batch is left open."""
    with (folder / CASES).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            sizes = [int(size) for size in row["input_shape"].split("x")]
            yield Net(
                fit_for_a_file(f"{folder.name}/{row['file'].removesuffix('.py')}"),
                (folder / row["file"]).read_text(encoding="utf-8"),
                (InputSpec(shape=("B", *sizes[1:]), dtype=row["input_dtype"]),),
                row["class"],
                (json.loads(row["ctor_args"]),) if row["ctor_args"] else (),
            )


def _configured(paths: Sequence[str]) -> Iterator[Net | LeftOut]:
    """The models that convlint itself would check, with the inputs that it is told."""
    entries = Entries(load_config)
    found = discover(paths, lambda folder: config_excludes(load_config(folder)), lambda path: bool(entries.of(path)))
    files = {file.path: file for file in found.files}
    for job in plan(found, entries).jobs:
        for number, model in enumerate(job.models):
            again = f"/{number}" if model.target in {other.target for other in job.models[:number]} else ""
            name = fit_for_a_file(f"{job.filename.removesuffix('.py')}/{model.target}{again}")
            reason = _unfit(files[job.path], model)
            yield LeftOut(name, reason) if reason else _net(name, files[job.path], model)


def _unfit(file: LintedFile, model: ModelJob) -> str | None:
    if not file.path.endswith(".py"):
        return "no Python file"
    if model.kind == "instance":
        return "an instance, and nothing that builds it"
    inputs = _inputs(model)
    if not inputs:
        return "no inputs are declared"
    names = {size for spec in inputs for size in spec.shape or () if isinstance(size, str)}
    return "a declared size has no number" if names - {"B"} else None


def _inputs(model: ModelJob) -> tuple[InputSpec, ...]:
    told = (hint.inputs for hint in model.hints if hint.is_declared)
    return model.inputs or next(told, ())


def _net(name: str, file: LintedFile, model: ModelJob) -> Net:
    assert file.place is not None
    return Net(
        name,
        standing_alone(Path(file.path).read_text(encoding="utf-8"), file.place.package),
        _inputs(model),
        model.target,
        model.args,
        model.kwargs,
        search_path=file.place.search_path,
    )
