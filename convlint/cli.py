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
_WIDTH = 110  # cells of a line where there is no terminal to ask
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
@click.option("--require-checked", is_flag=True, help="Make skipped models fail: exit code 1, and say which.")
@click.option("-v", "--verbose", is_flag=True, help="List every model, why one was not checked, and what mends that.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing when nothing is found.")
def check(**given: Any) -> int:
    """Check models (the default)."""
    return _check(**given)


@commands.command("init")
@click.argument("paths", nargs=-1)
@click.option("--dry-run", "--diff", "is_dry", is_flag=True, help="Show what would be written, and write nothing.")
@click.option("--exclude", multiple=True, metavar="PATTERNS", callback=_comma_separated, help="Leave these out.")
@click.option("--config", type=click.Path(), help="Write to this TOML file, which has a [tool.convlint].")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds a file may take.")
def init(**given: Any) -> int:
    """Write configuration for models that are not checked.

    Checks the models below the PATHS, and adds a [[tool.convlint.model]] entry to pyproject.toml for each that cannot
    be checked until its inputs or arguments are told. What to fill in is marked. What the file says already stays.
    """
    return _init(**given)


@commands.command()
@click.argument("target")
@click.option(
    "--output-format", type=click.Choice(["text", "markdown", "json"]), default="text", help="How it is shown."
)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="SHAPE",
    help='Shape of an input of the one model explained: "B,1,28,28" or "B,20:int64". Once for each.',
)
@click.option("--config", type=click.Path(), help="Read the settings from this TOML file.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds a file may take.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour the table.")
def explain(**given: Any) -> int:
    """Show where each number comes from.

    TARGET is a file (net.py), a model (net.py:Net), or a layer or block of it (net.py:Net.conv1). The table follows
    forward line by line: the shapes, the parameters, the multiply-adds, and the formulas with their numbers put in.
    """
    return _explain(**given)


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
    report = outcome.report
    code = FAILED if outcome.problems else _verdict(report, fail_on or settings.fail_on)
    if quiet and not report.diagnostics and not report.lacking and not output_file:
        return code
    shown = output_format or settings.output_format
    written = _write(report, shown, output_file, verbose=verbose and not quiet, color=color)
    return code if written else FAILED


def _init(paths: tuple[str, ...], is_dry: bool, **given: Any) -> int:
    from convlint.check import CannotRun, Options, gather
    from convlint.config import ConfigError
    from convlint.init import nothing, propose
    from convlint.reporters.text import write

    try:
        gathered = gather(paths or (".",), Options(**given))
        if gathered.found.problems:
            return _fail(*gathered.found.problems)
        proposal = propose(gathered)
        for draft in () if is_dry else proposal.drafts:
            draft.write()
    except ConfigError as error:
        return _fail(*error.sentences)
    except CannotRun as error:
        return _fail(str(error))
    for sentence in (*gathered.notes, *proposal.left):
        _say(sentence)
    if not proposal.drafts:
        _say(nothing(proposal))
    for draft in proposal.drafts:
        write(sys.stdout, draft.diff if is_dry else f"{draft.sentence}.\n")
    return 0


def _explain(target: str, output_format: str, inputs: tuple[str, ...], color: str, **given: Any) -> int:
    import shutil

    from convlint.check import CannotRun, Options, gather
    from convlint.config import ConfigError, parse_input
    from convlint.explain import parse_target, render, tables_of

    try:
        wanted = parse_target(target)
        gathered = gather([wanted.path], Options(inputs=tuple(parse_input(text) for text in inputs), **given))
        tables = tables_of(gathered.facts, wanted.part)
    except ConfigError as error:
        return _fail(*error.sentences)
    except CannotRun as error:
        return _fail(str(error))
    failures = [f"{file.filename}: {failure.message}" for file in gathered.facts for failure in file.failures]
    for sentence in (*gathered.found.problems, *failures, *gathered.notes):
        _say(sentence)
    if not tables:
        return FAILED if gathered.found.problems or failures else _fail(f"{target}: there is no model to explain")
    colored = _wants_color(color, sys.stdout)
    width = shutil.get_terminal_size((_WIDTH, 0)).columns
    try:
        render(tables, wanted.part, output_format, width=max(width, 40), color=colored, stream=sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout)
    return 0 if any(table.rows for table in tables) and not gathered.found.problems else FAILED


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


def _verdict(report: Report, least: Severity) -> int:
    """1 if there is a finding that severe or more, or a skipped model where all have to be checked."""
    failing = _SEVERITIES[: _SEVERITIES.index(least) + 1]
    return FOUND if report.lacking or any(report.count(severity) for severity in failing) else 0


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
