"""The command line. What takes time to import is imported when it is needed, so that help is instant."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

import click

from convlint import __version__, options
from convlint.terminal import say, silence, wants_color, write

if TYPE_CHECKING:
    from convlint.cache.answers import Answer, Answers
    from convlint.diagnostics import Severity

FAILED, INTERRUPTED = 2, 130
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
    callback=options.comma_separated,
    help="Only these codes, CL1 or names.",
)
@click.option("--ignore", multiple=True, metavar="RULES", callback=options.comma_separated, help="Without these rules.")
@options.exclude
@click.option("--fail-on", type=click.Choice(_SEVERITIES), help="The least severity that makes the exit code 1.")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="SHAPE",
    help='Shape of an input of the one model checked: "B,1,28,28" or "B,20:int64". Once for each.',
)
@click.option("--config", type=click.Path(), help="Read the settings from this TOML file.")
@options.timeout
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Files checked at once (as many as there are cores).")
@options.with_cache
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
@options.exclude
@click.option("--config", type=click.Path(), help="Write to this TOML file, which has a [tool.convlint].")
@options.timeout
@options.with_cache
def init(**given: Any) -> int:
    """Write configuration for models that are not checked.

    Checks the models below the PATHS, and adds a [[tool.convlint.model]] entry to pyproject.toml for each that cannot
    be checked until its inputs or arguments are told. What to fill in is marked. What the file says already stays.
    """
    return _init(**given)


@commands.command("clean")
@click.option("--cache-dir", type=click.Path(file_okay=False), help="The folder that is cleaned.")
@click.option("--config", type=click.Path(), help="Read the settings from this TOML file.")
def clean(**given: Any) -> int:
    """Remove what is kept of earlier runs.

    The folder is that of --cache-dir, CONVLINT_CACHE_DIR, `cache-dir` in the configuration, or the user's cache folder.
    """
    return _clean(**given)


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
@options.timeout
@options.with_cache
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour the table.")
def explain(**given: Any) -> int:
    """Show where each number comes from.

    TARGET is a file (net.py), a model (net.py:Net), or a layer or block of it (net.py:Net.conv1). The table follows
    forward line by line: the shapes, the parameters, the multiply-adds, and the formulas with their numbers put in.
    """
    return _explain(**given)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point of the `convlint` command."""
    sys.exit(run(arguments, is_all=True))


def run(arguments: Sequence[str] | None = None, *, is_all: bool = False) -> int:
    """The exit code for the arguments of a command line. `is_all`: this process has done nothing else before."""
    try:
        result = commands.main(args=arguments, prog_name="convlint", standalone_mode=False, obj=is_all)
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        return FAILED
    except (click.Abort, KeyboardInterrupt):
        say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        silence(sys.stdout)
        return FAILED
    except Exception:
        import traceback

        with suppress(OSError):
            traceback.print_exc()
            say(f"convlint {__version__} itself failed; please report what stands above")
        return FAILED


def _check(paths: tuple[str, ...], output_file: str | None, color: str, **given: Any) -> int:
    paths = paths or (".",)
    if output_file is not None:
        answer = _verdict(paths, given, None, color=color == "always", may_be_empty=False)
        return _save(answer, output_file) if answer is not None else FAILED
    colored = wants_color(color, sys.stdout)
    if given["no_cache"] or not click.get_current_context().obj:
        answer = _verdict(paths, given, None, color=colored)
    else:
        answer = _remembered(paths, given, color=colored)
    return _give(answer) if answer is not None else FAILED


def _remembered(paths: tuple[str, ...], given: dict[str, Any], *, color: bool) -> Answer | None:
    """The answer of an earlier run that still holds, else a new one."""
    from convlint.cache.answers import answering

    with answering(paths, {**given, "jobs": None, "color": color}) as answers:
        known = answers.known() if answers is not None else None
        return known if known is not None else _verdict(paths, given, answers, color=color)


def _verdict(
    paths: tuple[str, ...],
    given: dict[str, Any],
    answers: Answers | None,
    *,
    color: bool,
    may_be_empty: bool = True,
) -> Answer | None:
    """A new answer, kept for the next time where that may be; None, and a word to the user, where there is none."""
    from convlint.check import CannotRun
    from convlint.config import ConfigError
    from convlint.verdict import verdict

    try:
        answer, depends = verdict(paths, given, color=color, may_be_empty=may_be_empty)
    except ConfigError as error:
        _fail(*error.sentences)
        return None
    except CannotRun as error:
        _fail(str(error))
        return None
    if answers is not None and depends is not None:
        answers.keep(answer, depends)
    return answer


def _give(answer: Answer) -> int:
    for note in answer.notes:
        say(note)
    try:
        write(sys.stdout, answer.report)
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)  # `convlint | head` has read enough; the exit code still tells
    return answer.code


def _save(answer: Answer, path: str) -> int:
    for note in answer.notes:
        say(note)
    try:
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(answer.report)
    except OSError as error:
        say(f"{path}: cannot be written: {error.strerror or error}")
        return FAILED
    return answer.code


def _init(paths: tuple[str, ...], is_dry: bool, **given: Any) -> int:
    from convlint.check import CannotRun, Options, gather
    from convlint.config import ConfigError
    from convlint.init import nothing, propose

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
        say(sentence)
    if not proposal.drafts:
        say(nothing(proposal))
    for draft in proposal.drafts:
        write(sys.stdout, draft.diff if is_dry else f"{draft.sentence}.\n")
    return 0


def _clean(cache_dir: str | None, config: str | None) -> int:
    from convlint.cache.store import Store
    from convlint.check import Options, cache_folder, settings_for
    from convlint.config import ConfigError
    from convlint.filenames import display

    try:
        folder = cache_folder(settings_for((), Options(config=config)), cache_dir)
        removed = Store(folder).clear()
    except ConfigError as error:
        return _fail(*error.sentences)
    except OSError as error:
        return _fail(f"{error.filename}: cannot be removed: {error.strerror or error}")
    if not removed.entries:
        print(f"{display(folder)}: there is nothing to remove")
    else:
        entries = "1 entry" if removed.entries == 1 else f"{removed.entries} entries"
        print(f"{display(folder)}: {entries} removed, {removed.size / 1e6:.1f} MB")
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
        say(sentence)
    if not tables:
        return FAILED if gathered.found.problems or failures else _fail(f"{target}: there is no model to explain")
    colored = wants_color(color, sys.stdout)
    width = shutil.get_terminal_size((_WIDTH, 0)).columns
    try:
        render(tables, wanted.part, output_format, width=max(width, 40), color=colored, stream=sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)
    return 0 if any(table.rows for table in tables) and not gathered.found.problems else FAILED


def _fail(*sentences: str) -> int:
    for sentence in sentences:
        say(sentence)
    return FAILED
