"""The oracle's command line.

    python -m benchmarks.oracle mutants --nets 2000 --each 5 --out oracle.jsonl
    python -m benchmarks.oracle laws --nets 2000
    python -m benchmarks.oracle table oracle.jsonl

A run that was stopped goes on where it was: what stands in the file is not judged again.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import click

from benchmarks.oracle import campaign, results
from convlint.pool.parallel import default_parallel
from convlint.pool.pool import WorkerPool


@click.group(help=__doc__)
def oracle() -> None:
    pass


@oracle.command()
@click.option("--first", default=0, help="the first seed")
@click.option("--nets", "count", default=2000, help="generated nets")
@click.option("--each", default=5, help="mutants of each net")
@click.option("--out", type=click.Path(path_type=Path), default=Path("oracle.jsonl"), show_default=True)
def mutants(first: int, count: int, each: int, out: Path) -> None:
    """Judge mutants of generated nets."""
    done = {one.name.rpartition("-")[0] for one in results.known(out)}
    seeds = [seed for seed in range(first, first + count) if f"net-{seed:06}" not in done]
    with WorkerPool(parallel=default_parallel()) as pool, click.progressbar(length=len(seeds), file=sys.stderr) as bar:
        for start in range(0, len(seeds), campaign.BATCH):
            some = seeds[start : start + campaign.BATCH]
            nets = map(campaign.generated, some)
            candidates = [one for net in nets for one in campaign.mutated(net, each)]
            results.keep(out, campaign.judged(candidates, pool, "generated"))
            bar.update(len(some))
    click.echo("\n".join(results.table(results.known(out))))


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
