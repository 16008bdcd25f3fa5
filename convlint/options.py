"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from convlint.hardware import card_memory, check_device
from convlint.output_format import FORMATS
from convlint.severity import SEVERITIES

T = TypeVar("T")


def comma_separated(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word.strip() for part in value for word in part.split(",") if word.strip())


def with_cache(command: Callable[..., int]) -> Callable[..., int]:
    unused = click.option("--no-cache", is_flag=True, help="Neither use nor keep facts of other runs.")
    folder = click.option("--cache-dir", type=click.Path(file_okay=False), help="Keep facts for the next run here.")
    return folder(unused(command))


def report(command: Callable[..., int]) -> Callable[..., int]:
    """What is reported, and how."""
    for decorate in reversed(_REPORT):
        command = decorate(command)
    return command


_REPORT = (
    click.option("--output-format", type=click.Choice(FORMATS), help="How findings are shown."),
    click.option("--output-file", type=click.Path(dir_okay=False), help="Write the report to this file."),
    click.option(
        "--select", multiple=True, metavar="RULES", callback=comma_separated, help="Only these codes, CL1 or names."
    ),
    click.option("--ignore", multiple=True, metavar="RULES", callback=comma_separated, help="Without these rules."),
    click.option("--fail-on", type=click.Choice(SEVERITIES), help="The least severity that makes the exit code 1."),
    click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour the report."),
    click.option("--require-checked", is_flag=True, help="Make skipped models fail: exit code 1, and say which."),
    click.option("-v", "--verbose", is_flag=True, help="List all models, why one was not checked, and the remedy."),
    click.option("-q", "--quiet", is_flag=True, help="Print nothing when nothing is found."),
)


def checked(check: Callable[[str], T]) -> Callable[[click.Context, click.Parameter, str | None], T | None]:
    """A callback that says of a wrong value what is wrong with it."""

    def callback(_: click.Context, __: click.Parameter, value: str | None) -> T | None:
        try:
            return None if value is None else check(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return callback


def device(default: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Where models are run; `default` says in words where they are without this option."""
    return click.option(
        "--device",
        metavar="DEVICE",
        callback=checked(check_device),
        help=f"cuda, cuda:1, mps, xpu or cpu ({default}).",
    )


def place(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """A place in a tensor, as "0,2,1"."""
    if value is None:
        return None
    try:
        return tuple(int(word) for word in value.split(","))
    except ValueError:
        raise click.BadParameter(f'"{value}" is no place; write whole numbers with commas between, as 0,2,1') from None


card = click.option(
    "--budget-gpu",
    metavar="SIZE",
    callback=checked(card_memory),
    help="As --budget, with the largest batch for a card of this memory: 24GB.",
)
exclude = click.option(
    "--exclude", multiple=True, metavar="PATTERNS", callback=comma_separated, help="Leave these out."
)
timeout = click.option("--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds a file may take.")


one_input = click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="SHAPE",
    help='Shape of an input of the one model: "B,1,28,28" or "B,20:int64". Once for each.',
)
config = click.option("--config", type=click.Path(), help="Read the settings from this TOML file.")
