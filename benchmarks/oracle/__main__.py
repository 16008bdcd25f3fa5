"""The oracle's command line.

    python -m benchmarks.oracle mutants --nets 2000 --each 5 --out oracle.jsonl
    python -m benchmarks.oracle files examples ../shared/cases --each 10 --out oracle.jsonl
    python -m benchmarks.oracle package timm --count 50 --each 3 --out oracle.jsonl
    python -m benchmarks.oracle laws --nets 2000 --out laws.jsonl
    python -m benchmarks.oracle sweep timm --out sweep.jsonl
    python -m benchmarks.oracle table oracle.jsonl laws.jsonl sweep.jsonl
    python -m benchmarks.oracle full FOLDER    # all of it, and the tables into docs/oracle.md

A run that was stopped goes on where it was: what is in the file is not judged again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, TypeVar

import click

from benchmarks.oracle import campaign, declared, full_run, packaged
from benchmarks.oracle.generate import generated, name_of
from benchmarks.oracle.journal import keep, known
from benchmarks.oracle.judge import Judgement
from benchmarks.oracle.laws import Claims, claims_of
from benchmarks.oracle.processes import in_processes
from benchmarks.oracle.sources import LeftOut
from benchmarks.oracle.sweep.sources import FAMILIES
from benchmarks.oracle.sweep.swept import Result, subjects, swept

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
_first = click.option("--first", default=0, show_default=True, help="the first seed")
_nets = click.option("--nets", "count", default=2000, show_default=True, help="generated nets")
_each = click.option("--each", default=5, show_default=True, help="mutants of each net")
_out = click.option(
    "--out", type=click.Path(path_type=Path), default=Path("oracle.jsonl"), show_default=True, help="where to keep them"
)


@click.group(help=__doc__)
def oracle() -> None:
    pass


@oracle.command()
@_first
@_nets
@_each
@_out
def mutants(first: int, count: int, each: int, out: Path) -> None:
    """Judge mutants of generated nets."""
    plan = campaign.Campaign("generated", each, generated, is_apart=False)
    _judge(plan, range(first, first + count), name_of, out, together=5)


@oracle.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@_each
@_out
def files(paths: tuple[Path, ...], each: int, out: Path) -> None:
    """Judge mutants of the models in files, whose inputs are declared there."""
    plan = campaign.Campaign("files", each, declared.that_runs)
    _judge(plan, list(declared.declared(paths)), lambda net: net.name, out)


@oracle.command()
@click.argument("family", type=click.Choice(FAMILIES))
@click.option("--count", default=50, show_default=True, help="models, drawn with a fixed seed")
@_each
@_out
def package(family: str, count: int, each: int, out: Path) -> None:
    """Judge mutants of the models of an installed package."""
    plan = campaign.Campaign(family, each, partial(packaged.packaged, family))
    _judge(plan, _drawn(packaged.names(family), count), partial(packaged.name_of, family), out)


@oracle.command()
@_first
@_nets
@_out
def laws(first: int, count: int, out: Path) -> None:
    """Hold the shapes, formulas and sizes of generated nets against torch."""
    from convlint.worker.process.warmup import warm_up

    done = {one.name for one in known(out, Claims)} | {one.name for one in known(out, LeftOut)}
    left = [seed for seed in range(first, first + count) if name_of(seed) not in done]
    _keep(out, ([one] for one in in_processes(claims_of, left, warm_up)), len(left))


@oracle.command()
@click.argument("family", type=click.Choice(FAMILIES))
@click.argument("names", nargs=-1)
@click.option("--count", type=int, help="so many models, drawn with a fixed seed")
@click.option("--again", is_flag=True, help="also those that stand in the file and do not agree")
@_out
def sweep(family: str, names: tuple[str, ...], count: int | None, again: bool, out: Path) -> None:
    """Hold convlint's traces of whole packages of models against real runs."""
    done = {one.name for one in known(out, Result) if one.family == family and not (again and one.verdict != "agrees")}
    wanted = names or _drawn(list(subjects(family)), count)
    left = [name for name in wanted if name not in done]
    _keep(out, ([one] for one in in_processes(partial(swept, family), left, _nothing)), len(left))


@oracle.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def table(files: tuple[Path, ...]) -> None:
    """Print the tables of earlier runs, and what convlint and torch disagree on."""
    click.echo("\n".join(full_run.tables(files)))
    for one in (one for file in files for one in known(file, Judgement)):
        if {one.given, one.bare} & {"false alarm"} or one.given == "missed" or one.fix == "raises":
            click.echo(f"{one.name} row {one.row}: {one.change} | torch: {one.raises} | given: {one.given}, "
                       f"bare: {one.bare}, edit: {one.fix} | {one.said}")  # fmt: skip
    for claims in (one for file in files for one in known(file, Claims)):
        for broken in claims.broken:
            click.echo(f"{claims.name}: {broken}")


@oracle.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--again", is_flag=True, help="sweep those again that do not agree")
def full(folder: Path, again: bool) -> None:
    """Judge all that there is, and write the tables to docs/oracle.md."""
    full_run.run(folder, again=again)


def _drawn(names: list[str], count: int | None) -> Sequence[str]:
    """A larger count goes on where a smaller one ended."""
    Random(0).shuffle(names)
    return names[:count]


def _judge(
    plan: campaign.Campaign[T], things: Sequence[T], name_of: Callable[[T], str], out: Path, together: int = 1
) -> None:
    done = {one.name.rpartition("-")[0] for one in known(out, Judgement)} | {one.name for one in known(out, LeftOut)}
    left = [thing for thing in things if name_of(thing) not in done]
    _keep(out, plan.batches(left, together), len(left), together)


def _keep(out: Path, batches: Iterable[Iterable[DataclassInstance]], count: int, together: int = 1) -> None:
    """Write results as they come, with a bar for those who wait, and print what the file holds in the end."""
    with click.progressbar(length=count, file=sys.stderr) as bar:
        for batch in batches:
            keep(out, batch)
            bar.update(together)
    click.echo("\n".join(full_run.tables([out])))


def _nothing() -> None:
    """The models of a sweep are there before its processes start."""


if __name__ == "__main__":
    oracle()
