"""The oracle's command line.

    python -m benchmarks.oracle mutants --nets 2000 --each 5 --out oracle.jsonl
    python -m benchmarks.oracle files examples ../shared/cases --each 10 --out oracle.jsonl
    python -m benchmarks.oracle package timm --count 50 --each 3 --out oracle.jsonl
    python -m benchmarks.oracle laws --nets 2000
    python -m benchmarks.oracle table oracle.jsonl

A run that was stopped goes on where it was: what stands in the file is not judged again.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import TypeVar

import click

from benchmarks.oracle import campaign, declared, packaged, results
from benchmarks.oracle.judge import Judgement
from benchmarks.oracle.sources import LeftOut

T = TypeVar("T")
_each = click.option("--each", default=5, show_default=True, help="mutants of each net")
_out = click.option(
    "--out", type=click.Path(path_type=Path), default=Path("oracle.jsonl"), show_default=True, help="where to keep them"
)


@click.group(help=__doc__)
def oracle() -> None:
    pass


@oracle.command()
@click.option("--first", default=0, help="the first seed")
@click.option("--nets", "count", default=2000, help="generated nets")
@_each
@_out
def mutants(first: int, count: int, each: int, out: Path) -> None:
    """Judge mutants of generated nets."""
    plan = campaign.Campaign("generated", each, campaign.generated, is_apart=False)
    _judge(plan, range(first, first + count), campaign.name_of, out, together=5)


@oracle.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@_each
@_out
def files(paths: tuple[Path, ...], each: int, out: Path) -> None:
    """Judge mutants of the models in files, whose inputs are declared there."""
    plan = campaign.Campaign("files", each, declared.that_runs)
    _judge(plan, list(declared.declared(paths)), lambda net: net.name, out)


@oracle.command()
@click.argument("family", type=click.Choice(packaged.FAMILIES))
@click.option("--count", default=50, show_default=True, help="models, drawn with a fixed seed")
@_each
@_out
def package(family: str, count: int, each: int, out: Path) -> None:
    """Judge mutants of the models of an installed package."""
    names = packaged.names(family)
    Random(0).shuffle(names)  # a larger count goes on where a smaller one ended
    plan = campaign.Campaign(family, each, partial(packaged.packaged, family))
    _judge(plan, names[:count], partial(packaged.name_of, family), out)


def _judge(
    plan: campaign.Campaign[T], things: Sequence[T], name_of: Callable[[T], str], out: Path, together: int = 1
) -> None:
    done = {one.name.rpartition("-")[0] for one in results.known(out)}
    left = [thing for thing in things if name_of(thing) not in done]
    left_out: list[LeftOut] = []
    with click.progressbar(length=len(left), file=sys.stderr) as bar:
        for batch in plan.batches(left, together):
            results.keep(out, (one for one in batch if isinstance(one, Judgement)))
            left_out += [one for one in batch if isinstance(one, LeftOut)]
            bar.update(together)
    click.echo("\n".join(results.table(results.known(out))))
    for reason, count in Counter(one.reason for one in left_out).most_common():
        click.echo(f"left out: {count} ({reason})")


@oracle.command()
@click.option("--first", default=0, help="the first seed")
@click.option("--nets", "count", default=2000, help="generated nets")
def laws(first: int, count: int) -> None:
    """Hold the shapes, formulas and sizes of generated nets against torch."""
    from benchmarks.oracle.laws import claims
    from convlint.worker.warmup import warm_up

    nets = [campaign.generated(seed) for seed in range(first, first + count)]
    warm_up()  # afterwards no net gets initial weights
    held = broken = undecided = 0
    with click.progressbar(nets, file=sys.stderr) as bar:
        for net in bar:
            said = claims(net, Random(net.name))
            held, broken, undecided = held + said.held, broken + len(said.broken), undecided + said.undecided
            for one in said.broken:
                click.echo(f"{net.name}: {one}")
    click.echo(f"{held} claims about {count} nets: {broken} broken, {undecided} left open")
    sys.exit(1 if broken else 0)


@oracle.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def table(files: tuple[Path, ...]) -> None:
    """Print the table of earlier runs, and what convlint and torch disagree on."""
    judgements = [one for file in files for one in results.known(file)]
    click.echo("\n".join(results.table(judgements)))
    for one in judgements:
        if {one.given, one.bare} & {"false alarm"} or one.given == "missed" or one.fix == "raises":
            click.echo(f"{one.name} row {one.row}: {one.change} | torch: {one.raises} | given: {one.given}, "
                       f"bare: {one.bare}, edit: {one.fix} | {one.said}")  # fmt: skip


if __name__ == "__main__":
    oracle()
