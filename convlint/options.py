"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable

import click


def comma_separated(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word.strip() for part in value for word in part.split(",") if word.strip())


def with_cache(command: Callable[..., int]) -> Callable[..., int]:
    unused = click.option("--no-cache", is_flag=True, help="Neither use nor keep facts of other runs.")
    folder = click.option("--cache-dir", type=click.Path(file_okay=False), help="Keep facts for the next run here.")
    return folder(unused(command))


exclude = click.option(
    "--exclude", multiple=True, metavar="PATTERNS", callback=comma_separated, help="Leave these out."
)
timeout = click.option("--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds a file may take.")
