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
    """Find mistakes in PyTorch programs before they run.

    PATHS are files, directories, patterns, or one model as net.py:Net [default: the current directory].
    """


@commands.command(_DEFAULT)
@click.argument("paths", nargs=-1)
@options.report
@options.exclude
@options.one_input
@options.config
@options.timeout
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Files to check in parallel [default: number of cores].")
@click.option("--no-dry-run", is_flag=True, help="Do not run the project's scripts to see what they feed to models.")
@options.with_cache
@click.pass_obj
def check(is_all: bool, /, paths: tuple[str, ...], output_file: str | None, color: str, **given: Any) -> int:
    """Check models [the default command]."""
    from convlint.commands.check import check

    return check(paths, output_file, color, given, may_remember=is_all)


@commands.command("init")
@click.argument("paths", nargs=-1)
@click.option("--dry-run", "--diff", "is_dry", is_flag=True, help="Show what would be written; write nothing.")
@options.exclude
@click.option("--config", type=click.Path(), help="TOML file to write to; it has a [tool.convlint] table.")
@options.timeout
@options.with_cache
def init(paths: tuple[str, ...], is_dry: bool, **given: Any) -> int:
    """Write configuration for models that could not be checked.

    Check the models below the PATHS, and add a [[tool.convlint.model]] table to pyproject.toml for each that cannot be
    checked until its inputs or arguments are given. Values to fill in are marked. Nothing in the file is changed.
    """
    from convlint.pool.standby import standing_by

    with standing_by() as server:
        from convlint.commands.init import init

        return init(paths, is_dry, given, server)


@commands.command("clean")
@click.option("--cache-dir", type=click.Path(file_okay=False), help="Directory of the cache to clear.")
@options.config
def clean(cache_dir: str | None, config: str | None) -> int:
    """Clear the cache.

    The directory is that of --cache-dir, CONVLINT_CACHE_DIR, `cache-dir` in the configuration, or the cache directory
    of the user.
    """
    from convlint.commands.clean import clean

    return clean(cache_dir, config)


@commands.command()
@click.argument("target")
@click.option(
    "--output-format",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    help="Format of the explanation.",
)
@click.option(
    "--values", is_flag=True, help="Run the model and show how one element of the layer's output is computed."
)
@click.option(
    "--at",
    metavar="PLACE",
    callback=options.place,
    help="Index of the output element, without the batch, e.g. 0,2,1 [default: the first].",
)
@click.option(
    "--call", type=click.IntRange(min=1), help="Number of the call, if the layer is called more than once [default: 1]."
)
@click.option(
    "--input-values", metavar="FILE", help="JSON file with the input as nested lists [default: random numbers]."
)
@options.device("cpu")
@options.one_input
@options.config
@options.timeout
@options.with_cache
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="When to color the table."
)
def explain(target: str, output_format: str, inputs: tuple[str, ...], color: str, **given: Any) -> int:
    """Show where each number comes from.

    TARGET is a file (net.py), a model (net.py:Net), or a layer or block of it (net.py:Net.conv1). The table follows
    forward line by line: the shapes, the parameters, the multiply-adds, and the formulas with their numbers put in.

    With --values the layer is run on the CPU or --device, and one element of its output is computed step by step: the
    inputs that it depends on, the weights, the sum, and the result of torch. --at, --call, --input-values and --device
    imply --values.
    """
    from convlint.pool.standby import standing_by

    with standing_by() as server:
        from convlint.commands.explain import explain

        return explain(target, output_format, inputs, color, given, server)


@commands.command()
@click.argument("paths", nargs=-1)
@options.device("the accelerator, else the CPU")
@click.option("--dtype", type=click.Choice(PRECISIONS), help="Data type of the computation [default: fp32].")
@click.option("--batch", type=click.IntRange(min=1), help="Batch size to run in addition to 1 and 2.")
@click.option("--budget", is_flag=True, help="Measure memory, the largest batch size, and the time of each call.")
@options.card
@click.option(
    "--compile", is_flag=True, help="Run torch.compile: report graph breaks, recompilations and results that differ."
)
@click.option(
    "--export", is_flag=True, help="Run torch.export with dynamic batch and sizes, then run the exported program."
)
@click.option("--require-device", is_flag=True, help="Fail if the device is missing, instead of skipping all models.")
@options.report
@options.exclude
@options.one_input
@options.config
@options.timeout
@options.with_cache
def verify(paths: tuple[str, ...], output_file: str | None, color: str, **given: Any) -> int:
    """Run models on a device and compare the results with convlint's predictions.

    Each model below the PATHS is built with seeded weights and run on the device, in eval and training mode, at several
    batch sizes and input sizes. Shapes, dtypes and memory formats are compared call by call; a model with a predicted
    error must raise, and a model without one must run.
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
