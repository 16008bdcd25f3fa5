"""The command line. What takes time to import is imported when it is needed, so that help is instant."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

import click

from convlint import __version__, options
from convlint.complaint import Complaint
from convlint.exit_codes import CLEAN, FAILED, INTERRUPTED
from convlint.hardware import PRECISIONS
from convlint.terminal import say, silence

_DEFAULT = "check"


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
@options.report
@options.exclude
@options.one_input
@options.config
@options.timeout
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Files checked at once (as many as there are cores).")
@options.with_cache
@click.pass_obj
def check(is_all: bool, /, paths: tuple[str, ...], output_file: str | None, color: str, **given: Any) -> int:
    """Check models (the default)."""
    from convlint.commands.check import check

    return check(paths, output_file, color, given, may_remember=is_all)


@commands.command("init")
@click.argument("paths", nargs=-1)
@click.option("--dry-run", "--diff", "is_dry", is_flag=True, help="Show what would be written, and write nothing.")
@options.exclude
@click.option("--config", type=click.Path(), help="Write to this TOML file, which has a [tool.convlint].")
@options.timeout
@options.with_cache
def init(paths: tuple[str, ...], is_dry: bool, **given: Any) -> int:
    """Write configuration for models that are not checked.

    Checks the models below the PATHS, and adds a [[tool.convlint.model]] entry to pyproject.toml for each that cannot
    be checked until its inputs or arguments are told. What to fill in is marked. What the file says already stays.
    """
    from convlint.pool.standby import standing_by

    with standing_by() as server:
        from convlint.commands.init import init

        return init(paths, is_dry, given, server)


@commands.command("clean")
@click.option("--cache-dir", type=click.Path(file_okay=False), help="The folder that is cleaned.")
@options.config
def clean(cache_dir: str | None, config: str | None) -> int:
    """Remove what is kept of earlier runs.

    The folder is that of --cache-dir, CONVLINT_CACHE_DIR, `cache-dir` in the configuration, or the user's cache folder.
    """
    from convlint.commands.clean import clean

    return clean(cache_dir, config)


@commands.command()
@click.argument("target")
@click.option(
    "--output-format", type=click.Choice(["text", "markdown", "json"]), default="text", help="How it is shown."
)
@click.option(
    "--values", is_flag=True, help="Run the model, and show how one number of the layer's output comes about."
)
@click.option(
    "--at", metavar="PLACE", callback=options.place, help="Which number, behind the batch: 0,2,1 (the first)."
)
@click.option("--call", type=click.IntRange(min=1), help="Which one of the layer's calls (1).")
@click.option("--input-values", metavar="FILE", help="Numbers of the input: nested lists in JSON (random ones).")
@options.device("the CPU")
@options.one_input
@options.config
@options.timeout
@options.with_cache
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour the table.")
def explain(target: str, output_format: str, inputs: tuple[str, ...], color: str, **given: Any) -> int:
    """Show where each number comes from.

    TARGET is a file (net.py), a model (net.py:Net), or a layer or block of it (net.py:Net.conv1). The table follows
    forward line by line: the shapes, the parameters, the multiply-adds, and the formulas with their numbers put in.

    With --values a layer is run for real, on the CPU or --device, and one number of its output is worked out by hand:
    the inputs that it looks at, the weights, the sum, and what torch gives. --at, --call, --input-values and --device
    ask for that as well.
    """
    from convlint.pool.standby import standing_by

    with standing_by() as server:
        from convlint.commands.explain import explain

        return explain(target, output_format, inputs, color, given, server)


@commands.command()
@click.argument("paths", nargs=-1)
@options.device("the accelerator, else the CPU")
@click.option("--dtype", type=click.Choice(PRECISIONS), help="What models compute in (fp32).")
@click.option("--batch", type=click.IntRange(min=1), help="A batch to run beside 1 and 2.")
@click.option("--budget", is_flag=True, help="Measure memory, the largest batch, and the time of each call.")
@options.card
@click.option("--require-device", is_flag=True, help="Fail where the device is missing, instead of skipping all.")
@options.report
@options.exclude
@options.one_input
@options.config
@options.timeout
@options.with_cache
def verify(paths: tuple[str, ...], output_file: str | None, color: str, **given: Any) -> int:
    """Run models for real, and hold what convlint says against it.

    Each model below the PATHS is built with seeded weights and run on the device, in eval and training mode, at several
    batches and sizes. Shapes, dtypes and memory formats are compared call by call; what convlint calls a mistake must
    raise, and what it calls right must run.
    """
    from convlint.pool.standby import standing_by

    with standing_by() as server:
        from convlint.commands.verify import run

        return run(paths, output_file, color, given, server)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point of the `convlint` command."""
    sys.exit(run(arguments, is_all=True))


def run(arguments: Sequence[str] | None = None, *, is_all: bool = False) -> int:
    """The exit code for the arguments of a command line. `is_all`: this process has done nothing else before."""
    try:
        result = commands.main(args=arguments, prog_name="convlint", standalone_mode=False, obj=is_all)
        return result if isinstance(result, int) else CLEAN
    except click.ClickException as error:
        error.show()
        return FAILED
    except Complaint as error:
        for sentence in error.sentences:
            say(sentence)
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
