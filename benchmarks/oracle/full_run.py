"""All that the oracle does, one command after the other, and its tables in docs/oracle.md."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from benchmarks.oracle import tables as table
from benchmarks.oracle.journal import known
from benchmarks.oracle.judge import Judgement
from benchmarks.oracle.laws import Claims
from benchmarks.oracle.sources import LeftOut
from benchmarks.oracle.sweep.sources import FAMILIES
from benchmarks.oracle.sweep.swept import Result

PAGE: Final = Path(__file__).parents[2] / "docs" / "oracle.md"
BEGIN: Final = "<!-- figures: written by `python -m benchmarks.oracle full` -->"
END: Final = "<!-- end of the figures -->"

_PACKAGES: Final = (
    *("torch", "torchvision", "timm", "transformers", "vit-pytorch", "x-transformers"),
    "segmentation-models-pytorch",
)
_STEPS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("laws", ("laws", "--nets", "2000")),
    ("generated", ("mutants", "--first", "10000", "--nets", "2200", "--each", "5")),
    ("files", ("files", "examples", "--each", "10")),
    *((f"mutants-{family}", ("package", family, "--count", "40", "--each", "3")) for family in FAMILIES),
    *((f"sweep-{family}", ("sweep", family)) for family in FAMILIES),
)


def run(folder: Path, *, again: bool = False) -> None:
    """Do every step, each in a process of its own; what is there already stays. Raises when a step fails."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, step in _STEPS:
        more = ("--again",) if again and step[0] == "sweep" else ()
        print(f"{name}: {' '.join(step)}", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", "benchmarks.oracle", *step, *more, "--out", str(folder / f"{name}.jsonl")]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    write(folder)


def write(folder: Path, page: Path = PAGE) -> None:
    """Put the tables of a folder's results between the marks of the page."""
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    body = "\n".join(["", "", *_figures(folder), ""])
    page.write_text(before + BEGIN + body + END + after, encoding="utf-8")


def _figures(folder: Path) -> Iterator[str]:
    yield f"Python {platform.python_version()}, " + ", ".join(_versions()) + "."
    for kinds in (("laws",), ("mutants", "files", "package"), ("sweep",)):
        steps = {name: step for name, step in _STEPS if step[0] in kinds}
        yield from ("", *(f"    python -m benchmarks.oracle {' '.join(step)}" for step in steps.values()), "")
        yield from tables([folder / f"{name}.jsonl" for name in steps])


def tables(files: Sequence[Path]) -> list[str]:
    """Of whatever the files hold."""
    judgements = [one for file in files for one in known(file, Judgement)]
    left_out = Counter(one.reason for file in files for one in known(file, LeftOut))
    claims = [one for file in files for one in known(file, Claims)]
    results = _last(one for file in files for one in known(file, Result))
    lines = table.of_judgements(judgements) if judgements else []
    if left_out:
        lines += ["", "Left out: " + ", ".join(f"{count} ({reason})" for reason, count in left_out.most_common()) + "."]
    lines += table.of_claims(claims) if claims else []
    if results:
        lines += [*table.of_sweep(results), "", *table.reasons(results)]
    return lines


def _last(results: Iterable[Result]) -> list[Result]:
    """Of several for one model the last."""
    return list({(result.family, result.name): result for result in results}.values())


def _versions() -> Iterator[str]:
    for name in _PACKAGES:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            continue
