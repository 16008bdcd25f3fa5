"""When a mutated line counts as pointed at or as named, and what becomes of it in the table."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.oracle.full_run import BEGIN, END, write
from benchmarks.oracle.journal import keep, known
from benchmarks.oracle.judge import Judgement, judge
from benchmarks.oracle.laws import Claims
from benchmarks.oracle.linted import Linted
from benchmarks.oracle.mutants import Mutant
from benchmarks.oracle.net import Net
from benchmarks.oracle.sweep.swept import Result
from benchmarks.oracle.tables import of_judgements
from benchmarks.oracle.truth import Raised
from convlint.diagnostics import Diagnostic, Location, Place, Related
from convlint.facts import FileFacts

ROWS = ["a = 1"] * 20
MADE_AT = Place(filename="net.py", location=Location(row=12, column=1), end_location=Location(row=13, column=1))
FINDING = Diagnostic(
    code="CL101",
    name="linear-in-features",
    severity="error",
    message="it does not fit",
    filename="net.py",
    location=Location(row=5, column=1),
    end_location=Location(row=6, column=1),
    related=(
        Related(filename="net.py", location=Location(row=8, column=1), end_location=MADE_AT.location, message="shown"),
        Related(filename="net.py", location=Location(row=15, column=1), message="a step", made_at=MADE_AT),
        Related(filename="other.py", location=Location(row=17, column=1), message="elsewhere"),
    ),
)


def judged(row: int, kind: str = "plus 1", after: str = "2", source: str = "\n".join(ROWS)) -> Judgement:
    mutant = Mutant(kind=kind, row=row, name="nn.Linear", source=source, before="1", after=after)
    net = Net("net", source, ())
    facts = FileFacts(filename="net.py")
    truth = Raised("RuntimeError", "no", (5,), None, is_built=True)
    return judge("net-0", "by hand", mutant, truth, Linted(net, facts, (FINDING,)), Linted(net, facts, ()))


@pytest.mark.parametrize(
    ("row", "is_right", "is_named"),
    [
        (4, False, False),
        (5, True, True),
        (6, True, True),
        (8, False, True),
        (10, False, True),
        (13, False, True),
        (14, False, False),
        (15, False, True),
        (17, False, False),
    ],
)
def test_a_row_is_right_at_the_finding_and_named_at_what_it_shows(row: int, is_right: bool, is_named: bool) -> None:
    one = judged(row)
    assert (one.is_row_right, one.is_row_named) == (is_right, is_named)


def test_all_rows_of_a_swap_are_mutated() -> None:
    assert judged(3, "swapped statements", "x = 1\n\nx = 2").is_row_right
    assert not judged(3, "swapped layers", "x = 1\nx = 2").is_row_right
    assert not judged(3, "dropped call", "x(\n\n)").is_row_right


@pytest.mark.parametrize("left", ["    pass", "   ", ""])
def test_a_row_with_nothing_left_is_neither(left: str) -> None:
    one = judged(5, "dropped call", "pass", "\n".join([*ROWS[:4], left, *ROWS]))
    assert (one.is_row_right, one.is_row_named) == (None, None)


def test_the_table_leaves_out_what_was_not_judged(tmp_path: Path) -> None:
    out = tmp_path / "oracle.jsonl"
    keep(out, [judged(5), judged(8), judged(14)])
    old = asdict(judged(5))  # a line from before rows were named
    del old["is_row_named"]
    with out.open("a", encoding="utf-8") as file:
        file.write(json.dumps(old) + "\n")
    lines = of_judgements(known(out, Judgement))
    assert "| the mutated line is the one pointed at | 50.0% (2 of 4) |" in lines
    assert "| the mutated line is named | 66.7% (2 of 3) |" in lines


def test_the_tables_stand_between_the_marks_of_the_page(tmp_path: Path) -> None:
    keep(tmp_path / "generated.jsonl", [judged(5)])
    keep(tmp_path / "laws.jsonl", [Claims("net-000001", 86, (), 20)])
    keep(tmp_path / "sweep-timm.jsonl", [Result("timm", "vit", "not traced", "stops"), Result("timm", "vit", "agrees")])
    page = tmp_path / "oracle.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nbehind\n", encoding="utf-8")
    write(tmp_path, page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nbehind\n")
    assert "\nold\n" not in text
    assert "| claims held against torch | 86 |" in text
    assert "| timm | 1 | 100.0% | 1 | 0 |" in text
