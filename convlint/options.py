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
    unused = click.option("--no-cache", is_flag=True, help="Ignore the cache: neither read nor write it.")
    folder = click.option("--cache-dir", type=click.Path(file_okay=False), help="Directory of the cache.")
    return folder(unused(command))


def report(command: Callable[..., int]) -> Callable[..., int]:
    """What is reported, and how."""
    for decorate in reversed(_REPORT):
        command = decorate(command)
    return command


_REPORT = (
    click.option("--output-format", type=click.Choice(FORMATS), help="Format of the report."),
    click.option(
        "--output-file", type=click.Path(dir_okay=False), help="File to write the report to [default: stdout]."
    ),
    click.option(
        "--select",
        multiple=True,
        metavar="RULES",
        callback=comma_separated,
        help="Rules to enable: codes, prefixes (CL1) or names.",
    ),
    click.option(
        "--ignore",
        multiple=True,
        metavar="RULES",
        callback=comma_separated,
        help="Rules to disable: codes, prefixes (CL1) or names.",
    ),
    click.option(
        "--fail-on", type=click.Choice(SEVERITIES), help="Exit with 1 if a finding has at least this severity."
    ),
    click.option(
        "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="When to color the report."
    ),
    click.option("--require-checked", is_flag=True, help="Exit with 1 if a model was skipped, and name it."),
    click.option(
        "-v", "--verbose", is_flag=True, help="List all models; for each that was not checked, the reason and a remedy."
    ),
    click.option("-q", "--quiet", is_flag=True, help="Print nothing if there are no findings."),
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
    """Where models are run; `default` says in words which device that is without this option."""
    return click.option(
        "--device",
        metavar="DEVICE",
        callback=checked(check_device),
        help=f"Device: cuda, cuda:1, mps, xpu or cpu [default: {default}].",
    )


def place(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """A place in a tensor, as "0,2,1"."""
    if value is None:
        return None
    try:
        return tuple(int(word) for word in value.split(","))
    except ValueError:
        raise click.BadParameter(f'"{value}" is not an index; write integers separated by commas, as 0,2,1') from None


card = click.option(
    "--budget-gpu",
    metavar="SIZE",
    callback=checked(card_memory),
    help="Like --budget, with the largest batch size for a GPU with this much memory: 24GB.",
)
exclude = click.option(
    "--exclude", multiple=True, metavar="PATTERNS", callback=comma_separated, help="Files and directories to exclude."
)
timeout = click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), help="Time limit per file, in seconds."
)


one_input = click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="SHAPE",
    help='Shape of an input of a single model: "B,1,28,28" or "B,20:int64". Repeat for each input.',
)
config = click.option("--config", type=click.Path(), help="TOML file to read the settings from.")
