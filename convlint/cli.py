"""The command line. What takes time to import is imported when it is needed, so that help is instant."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from convlint import __version__

if TYPE_CHECKING:
    from convlint.check import Outcome
    from convlint.diagnostics import Severity
    from convlint.report import Report

FOUND, FAILED, INTERRUPTED = 1, 2, 130
_DEFAULT = "check"
_SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


class Commands(click.Group):
    """A group whose first word may be left out: `convlint models/` is `convlint check models/`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("--help", "-h", "--version", "-V")):
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help of the group is that of its default command, with the other commands below."""
        check = self.commands[_DEFAULT]
        with click.Context(check, parent=ctx, info_name=_DEFAULT) as inner:
            check.format_options(inner, formatter)
        self.format_commands(ctx, formatter)


def _comma_separated(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word.strip() for part in value for word in part.split(",") if word.strip())


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    subcommand_metavar="[check] [PATHS]...",
    options_metavar="[OPTIONS]",
)
@click.version_option(__version__, "-V", "--version", message="convlint %(version)s")
def commands() -> None:
    """Find shape mistakes in PyTorch models before they run.

    PATHS are files, folders, patterns, or one model as net.py:Net; without any, the working directory.
    """


@commands.command(_DEFAULT)
@click.argument("paths", nargs=-1)
@click.option("--output-format", type=click.Choice(["full", "concise", "json"]), help="How findings are shown.")
@click.option("--output-file", type=click.Path(dir_okay=False), help="Write the report to this file.")
@click.option(
    "--select",
    multiple=True,
    metavar="RULES",
    callback=_comma_separated,
    help="Only these codes, CL1 or names.",
)
@click.option("--ignore", multiple=True, metavar="RULES", callback=_comma_separated, help="Without these rules.")
@click.option("--exclude", multiple=True, metavar="PATTERNS", callback=_comma_separated, help="Leave these out.")
@click.option("--fail-on", type=click.Choice(_SEVERITIES), help="The least severity that makes the exit code 1.")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="SHAPE",
    help='Shape of an input of the one model checked: "B,1,28,28" or "B,20:int64". Once for each.',
)
@click.option("--config", type=click.Path(), help="Read the settings from this TOML file.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds a file may take.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour the report.")
@click.option("-v", "--verbose", is_flag=True, help="List every model, and why one was not checked.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing when nothing is found.")
def check(**given: Any) -> int:
    """Check models (the default)."""
    return _check(**given)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point of the `convlint` command."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """The exit code for the arguments of a command line."""
    try:
        result = commands.main(args=arguments, prog_name="convlint", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        return FAILED
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        _silence(sys.stdout)
        return FAILED
    except Exception:
        import traceback

        with suppress(OSError):
            traceback.print_exc()
            _say(f"convlint {__version__} itself failed; please report what stands above")
        return FAILED


def _check(
    paths: tuple[str, ...],
    output_format: str | None,
    output_file: str | None,
    fail_on: Severity | None,
    inputs: tuple[str, ...],
    color: str,
    verbose: bool,
    quiet: bool,
    **given: Any,
) -> int:
    from convlint.check import CannotRun, Options, check, settings_for
    from convlint.config import ConfigError, parse_input

    paths = paths or (".",)
    try:
        options = Options(inputs=tuple(parse_input(text) for text in inputs), **given)
        settings = settings_for(paths, options).settings
        outcome = check(paths, options)
    except ConfigError as error:
        return _fail(*error.sentences)
    except CannotRun as error:
        return _fail(str(error))
    _tell(outcome)
    code = FAILED if outcome.problems else _severity_code(outcome.report, fail_on or settings.fail_on)
    if quiet and not outcome.report.diagnostics and not output_file:
        return code
    shown = output_format or settings.output_format
    written = _write(outcome.report, shown, output_file, verbose=verbose and not quiet, color=color)
    return code if written else FAILED


def _write(report: Report, output_format: str, path: str | None, *, verbose: bool, color: str) -> bool:
    from convlint.reporters import render

    if path is None:
        colored = _wants_color(color, sys.stdout)
        try:
            render(report, output_format, verbose=verbose, color=colored, stream=sys.stdout)
            sys.stdout.flush()
        except BrokenPipeError:
            _silence(sys.stdout)  # `convlint | head` has read enough; the exit code still tells
        return True
    try:
        with open(path, "w", encoding="utf-8") as stream:
            render(report, output_format, verbose=verbose, color=color == "always", stream=stream)
    except OSError as error:
        _say(f"{path}: cannot be written: {error.strerror or error}")
        return False
    return True


def _severity_code(report: Report, least: Severity) -> int:
    """1 if there is a finding that severe or more."""
    failing = _SEVERITIES[: _SEVERITIES.index(least) + 1]
    return FOUND if any(report.count(severity) for severity in failing) else 0


def _wants_color(choice: str, stream: TextIO) -> bool:
    if choice != "auto":
        return choice == "always"
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _tell(outcome: Outcome) -> None:
    for sentence in (*outcome.problems, *outcome.notes):
        _say(sentence)


def _fail(*sentences: str) -> int:
    for sentence in sentences:
        _say(sentence)
    return FAILED


def _say(sentence: str) -> None:
    """A message to the user, beside the report."""
    text = f"convlint: {sentence}"
    print(text.encode("utf-8", "backslashreplace").decode(), file=sys.stderr)


def _silence(stream: TextIO) -> None:
    """Let Python's last flush of a closed pipe go nowhere."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
