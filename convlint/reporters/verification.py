"""What became of models on the device, as a table."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from convlint.facts import ModelBudget, ModelFacts, Verification
from convlint.facts.wording import scenario_text
from convlint.report import Report
from convlint.reporters import budget, compilation
from convlint.reporters.console import LINE, printed
from convlint.reporters.source import spot
from convlint.reporters.text import one_line

_STYLES: Final[dict[str, str]] = {"confirmed": "bold green", "refuted": "bold red", "not verified": "bold yellow"}
_WIDTH: Final = 110  # cells of a line where there is no terminal to ask


def table(report: Report, *, color: bool) -> str:
    """A row for each model, and the device above them."""
    width = max(40, shutil.get_terminal_size((_WIDTH, 0)).columns)
    return printed(lambda console: _draw(console, report), width=width, color=color)


def _draw(console: Console, report: Report) -> None:
    for line in devices(report):
        console.print(Text(line, style="bold"))
    grid = Table(box=LINE, show_edge=False, pad_edge=False, header_style="bold")
    for heading in ("model", "verdict", "runs", "calls", "mistakes", "with edits", "seconds"):
        grid.add_column(heading, justify="right" if heading in ("runs", "calls", "mistakes", "seconds") else "left")
    for filename, model in report.models:
        if model.verification is not None:
            grid.add_row(*_row(filename, model, model.verification))
    console.print(grid)
    _compilations(console, report)
    for filename, model in report.models:
        if model.verification is not None and model.verification.budget is not None:
            _budget(console, f"{spot(filename, model.row)}: {model.target}", filename, model.verification.budget)


def _compilations(console: Console, report: Report) -> None:
    """A row for each model that was compiled or exported, and below what was left out."""
    known = [(filename, model, model.verification) for filename, model in report.models if model.verification]
    found = [
        (_title(filename, model), verification)
        for filename, model, verification in known
        if verification.compilation is not None or verification.export is not None
    ]
    if not found:
        return
    console.print()
    grid = Table(box=LINE, show_edge=False, pad_edge=False, header_style="bold")
    for heading in ("model", *compilation.HEADINGS):
        grid.add_column(heading, justify="right" if heading in compilation.NUMBERS else "left")
    for title, verification in found:
        grid.add_row(*map(Text, (title, *compilation.row(verification))))
    console.print(grid)
    for line in _remarks(found):
        console.print(Text(line))


def _remarks(found: Iterable[tuple[str, Verification]]) -> Iterator[str]:
    """Each remark once, with the model that it is about, or how many."""
    titles: dict[str, list[str]] = {}
    for title, verification in found:
        for remark in compilation.remarks(verification):
            titles.setdefault(remark, []).append(title)
    for remark, named in titles.items():
        yield f"{named[0] if len(named) == 1 else f'{len(named)} models'}: {remark}"


def _title(filename: str, model: ModelFacts) -> str:
    return one_line(f"{spot(filename, model.row)}: {model.target}")


def _budget(console: Console, title: str, filename: str, spent: ModelBudget) -> None:
    """What one model takes, with its slowest calls."""
    console.print()
    console.print(Text(one_line(f"{title}, {scenario_text(spent.scenario, mode=False)}"), style="bold"))
    for line in budget.lines(spent):
        console.print(Text(f"  {line}"))
    if not spent.times:
        return
    grid = Table(box=LINE, show_edge=False, pad_edge=False, header_style="bold")
    for number, heading in enumerate(("slowest calls", "line", "ms", "share", "arithmetic", "memory")):
        grid.add_column(heading, justify="right" if number > 1 else "left")
    for row in budget.slowest(spent, filename):
        grid.add_row(*map(Text, row))
    console.print(grid)


def devices(report: Report) -> Iterator[str]:
    """`cuda:0: NVIDIA H200, torch 2.11.0`."""
    found = (model.verification.device for _, model in report.models if model.verification is not None)
    for device in dict.fromkeys(one for one in found if one is not None):
        yield one_line(f"{device.name}: {device.title}, torch {device.torch}")


def _row(filename: str, model: ModelFacts, verification: Verification) -> Iterator[Text]:
    runs = verification.runs
    yield Text(_title(filename, model))
    verdict = verification.status if verification.reason is None else f"{verification.status}: {verification.reason}"
    yield Text(one_line(verdict), style=_STYLES[verification.status])
    for number in (len(runs), sum(one.calls for one in runs), verification.requirements):
        yield Text(str(number or ""))
    yield Text({None: "", True: "runs", False: "raises"}[verification.edits])
    yield Text(f"{sum(one.seconds for one in runs):.2f}" if runs else "")
