"""Reports of findings written step by step. `pytest --snapshot-update` rewrites the pictures."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from convlint.diagnostics import Diagnostic, Edit, Fix, Location, Place, Related
from convlint.facts import ConstructionFact, FileFacts, GuessedArgument, InputFact, ModelFacts, Reason, Span
from convlint.output_format import FORMATS
from convlint.remedies import Remedy, Stanza
from convlint.remedies.stanza import EntryKey
from convlint.report import Report
from convlint.reporters import render, source

NET = '''import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    """Digit classifier for 1x28x28 images."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(1600, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2)
        x = self.dropout1(x)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = self.dropout2(x)
        x = self.fc2(x)
        return F.log_softmax(x, dim=1)
'''


def at(row: int, column: int) -> Location:
    return Location(row=row, column=column)


def related(row: int, column: int, message: str, length: int = 0, filename: str = "net.py") -> Related:
    end = at(row, column + length) if length else None
    return Related(filename=filename, location=at(row, column), end_location=end, message=message)


def step(row: int, column: int, made: int, message: str, filename: str = "net.py") -> Related:
    made_at = Place(filename=filename, location=at(made, 22), end_location=at(made, 44))
    return related(row, column, message, filename=filename).model_copy(update={"made_at": made_at})


FINDING = Diagnostic(
    code="CL101",
    name="linear-in-features",
    severity="error",
    message="`fc1` takes 1600 features but gets 9216",
    filename="net.py",
    location=at(15, 30),
    end_location=at(15, 34),
    model="net.Net",
    layer="fc1",
    expected=1600,
    actual=9216,
    formula="64*((H-4)//2)*((W-4)//2)",
    hint="`nn.Linear(9216, 128)`: 64 * ((28-4)//2) * ((28-4)//2) = 9216; or feed H = W in {14, 15}",
    related=(
        related(24, 20, "called here with [B, 9216]", 11),
        related(6, 1, "x: [B, 1, 28, 28] (pyproject.toml)"),
        step(19, 20, 11, "conv1 (line 11): [B, 1, 28, 28] -> [B, 32, 26, 26]"),
        step(20, 20, 12, "conv2 (line 12): [B, 32, 26, 26] -> [B, 64, 24, 24]"),
        related(21, 13, "F.max_pool2d: [B, 64, 24, 24] -> [B, 64, 12, 12]"),
        related(23, 13, "torch.flatten: [B, 64, 12, 12] -> [B, 9216]"),
    ),
    fix=Fix(
        applicability="unsafe",
        message="write the number of features that reaches it",
        edits=(Edit(content="9216", location=at(15, 30), end_location=at(15, 34)),),
    ),
)
WARNING = FINDING.model_copy(
    update={
        "severity": "warning",
        "message": "something to look at",
        "location": at(24, 20),
        "end_location": at(24, 31),
        "related": (related(15, 20, "`fc1` is made here", 20), related(3, 1, "made of this", 4, "other.py")),
        "fix": None,
        "hint": None,
        "formula": None,
        "url": "https://example.org/CL101",
    }
)
CHECKED = ModelFacts(
    name="net.Net",
    target="Net",
    row=6,
    status="checked",
    inputs=(
        InputFact(name="x", shape=("B", 1, "H", "W"), dtype="float32", source="conv1 (line 11)"),
        InputFact(name="scale", shape=None, dtype=None, source="its default"),
    ),
    outputs=(("B", 10),),
    sizes={"H": (28, 29), "W": (28, 29)},
)
PARTIAL = ModelFacts(
    name="net.Other",
    target="Other",
    row=40,
    status="partial",
    reason=Reason(kind="data-dependent", name="the branch"),
    construction=ConstructionFact(origin="code", call="Other(28, 10)", place="train.py, line 40"),
    stopped=Span(filename="net.py", row=48, column=9, end_row=48, end_column=20),
    size_note="H and W divisible by 16",
)
SKIPPED = ModelFacts(
    name="net.make",
    target="make",
    row=60,
    status="skipped",
    reason=Reason(kind="arguments-missing", names=("width",)),
)


def guessed(**arguments: str) -> ConstructionFact:
    given = tuple(GuessedArgument(name=name, text=text) for name, text in arguments.items())
    return ConstructionFact(origin="guessed", arguments=given)


STANZA = Stanza("net.py:make", (EntryKey("kwargs", "{ width = 64 }", ("width",)),))
REMEDY = Remedy("add to pyproject.toml", STANZA.table, STANZA)


@pytest.fixture(autouse=True)
def _in_a_folder_with_the_net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(NET, encoding="utf-8")
    source.forget()


def report(*diagnostics: Diagnostic, models: tuple[ModelFacts, ...] = (CHECKED,), files: int = 1) -> Report:
    facts = (FileFacts(filename="net.py", models=models),) if models else ()
    remedies = tuple(REMEDY if model is SKIPPED else None for model in models)
    return Report(diagnostics=diagnostics, files=facts, file_count=files, remedies=remedies)


def rendered(one: Report, output_format: str = "full", *, verbose: bool = False, color: bool = False) -> str:
    stream = io.StringIO()
    render(one, output_format, verbose=verbose, color=color, stream=stream)
    return stream.getvalue()


@pytest.mark.parametrize("output_format", FORMATS)
def test_report(output_format: str, snapshot: SnapshotAssertion) -> None:
    one = report(FINDING, WARNING, models=(CHECKED, PARTIAL, SKIPPED), files=3)
    assert rendered(one, output_format) == snapshot


@pytest.mark.parametrize("output_format", ["full", "concise"])
def test_verbose_lists_every_model(output_format: str, snapshot: SnapshotAssertion) -> None:
    one = report(models=(CHECKED, PARTIAL, SKIPPED))
    assert rendered(one, output_format, verbose=True) == snapshot


@pytest.mark.parametrize("output_format", ["full", "concise"])
def test_skipped_models_are_listed_where_they_fail_the_run(output_format: str, snapshot: SnapshotAssertion) -> None:
    one = replace(report(models=(CHECKED, PARTIAL, SKIPPED)), require_checked=True)
    assert rendered(one, output_format) == snapshot
    nothing_skipped = replace(report(models=(CHECKED, PARTIAL)), require_checked=True)
    assert rendered(nothing_skipped, output_format) == rendered(report(models=(CHECKED, PARTIAL)), output_format)


@pytest.mark.parametrize(
    ("construction", "line"),
    [
        (ConstructionFact(), None),
        (ConstructionFact(origin="instance"), None),
        (
            ConstructionFact(origin="code", call="Net(28)", place="train.py, line 4"),
            "    built as: Net(28) (train.py, line 4)",
        ),
        (ConstructionFact(origin="configuration"), "    built as: declared in pyproject.toml"),
        (guessed(width="64", depth="2"), "    built as: Net(width=64, depth=2), guessed"),
        (guessed(width="6" * 200), "    built as: Net(width=" + "6" * 87 + "..."),
    ],
)
def test_verbose_says_how_a_model_was_built(construction: ConstructionFact, line: str | None) -> None:
    model = CHECKED.model_copy(update={"construction": construction})
    lines = rendered(report(models=(model,)), verbose=True).splitlines()
    assert next((one for one in lines if "built as" in one), None) == line


def test_colours(snapshot: SnapshotAssertion) -> None:
    assert rendered(report(FINDING), color=True) == snapshot


def test_colours_change_nothing_but_colours() -> None:
    import re

    coloured = rendered(report(FINDING, WARNING), color=True)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in plain.splitlines()] == rendered(report(FINDING, WARNING)).splitlines()


@pytest.mark.parametrize(
    ("one", "last"),
    [
        (report(FINDING), "1 model checked, 0 partial, 0 skipped: 1 error."),
        (report(FINDING, FINDING, WARNING), "1 model checked, 0 partial, 0 skipped: 2 errors, 1 warning."),
        (report(), "1 model checked, 0 partial, 0 skipped: all clear."),
        (report(models=(CHECKED, CHECKED)), "2 models checked, 0 partial, 0 skipped: all clear."),
        (
            report(FINDING, models=(CHECKED, PARTIAL)),
            "1 model checked, 1 partial, 0 skipped: 1 error (-v says what was left out, and why).",
        ),
        (
            report(models=(CHECKED, SKIPPED, SKIPPED)),
            (
                "1 model checked, 0 partial, 2 skipped: nothing found in what was checked"
                " (-v says what was left out, and why)."
            ),
        ),
        (
            report(models=(SKIPPED,)),
            ("0 models checked, 0 partial, 1 skipped: nothing was checked (-v says what was left out, and why)."),
        ),
        (report(models=(), files=4), "No models in 4 files: nothing to check."),
        (report(models=(), files=1), "No models in 1 file: nothing to check."),
        (report(FINDING, models=()), "0 models checked, 0 partial, 0 skipped: 1 error."),
    ],
)
@pytest.mark.parametrize("output_format", ["full", "concise"])
def test_the_closing_line_says_what_was_checked(one: Report, last: str, output_format: str) -> None:
    assert rendered(one, output_format).splitlines()[-1] == last


def moved(row: int, column: int, length: int, **changes: Any) -> Diagnostic:
    place = {"location": at(row, column), "end_location": at(row, column + length)}
    return FINDING.model_copy(update={"related": (), "fix": None, "hint": None, "formula": None, **place, **changes})


def excerpt_of(one: Diagnostic) -> list[str]:
    """The lines between the arrow and the closing line."""
    return rendered(report(one)).splitlines()[2:-2]


@pytest.mark.parametrize(
    ("text", "column", "length", "marks"),
    [
        (
            "\tself.fc = nn.Linear(7, 1)",
            22,
            1,
            ["1 |     self.fc = nn.Linear(7, 1)", "  |                         ^"],
        ),
        ("名前 = nn.Linear(7, 1)", 16, 1, ["1 | 名前 = nn.Linear(7, 1)", "  |                  ^"]),
        ("e\u0301 = 7", 6, 1, ["1 | e\u0301 = 7", "  |     ^"]),
        ("x = '\x1b[31m', 7", 14, 1, ["1 | x = '\\x1b[31m', 7", "  |                 ^"]),
        ("x = '\u202e', 7", 9, 1, ["1 | x = '\\u202e', 7", "  |              ^"]),
        ("short", 40, 9, ["1 | short", "  |      ^"]),
    ],
    ids=["tab", "wide", "combining", "escape", "bidi", "line changed"],
)
def test_marks_stand_under_the_place(text: str, column: int, length: int, marks: list[str]) -> None:
    Path("net.py").write_text(text + "\n", encoding="utf-8")
    assert excerpt_of(moved(1, column, length)) == ["  |", *marks, "  |"]


def test_a_place_of_many_rows_is_marked_to_the_end_of_its_first() -> None:
    Path("net.py").write_text("x = f(\n    1,\n)\n", encoding="utf-8")
    assert excerpt_of(moved(1, 5, 2, end_location=at(3, 2))) == ["  |", "1 | x = f(", "  |     ^^", "  |"]


def test_a_form_feed_is_no_row() -> None:
    Path("net.py").write_text("a = 1\n\x0cb = 2\n", encoding="utf-8")
    assert excerpt_of(moved(2, 2, 1))[1] == "2 | \\x0cb = 2"


def test_a_long_line_is_cut_around_the_place() -> None:
    Path("net.py").write_text("a" * 500 + "HERE" + "b" * 500 + "\n", encoding="utf-8")
    _, line, marks, _ = excerpt_of(moved(1, 501, 4))
    assert len(line) < 180
    assert line.index("HERE") == marks.index("^^^^")
    assert line.endswith("b...")


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00broken", b"# coding: nonsense\nx = 1\n"])
def test_without_the_source_the_place_is_still_named(content: bytes | None) -> None:
    Path("net.py").unlink()
    if content is not None:
        Path("net.py").write_bytes(content)
    lines = rendered(report(FINDING)).splitlines()
    assert lines[1] == "  --> net.py:15:30"
    assert "  ::: net.py:24:20 called here with [B, 9216]" in lines


@pytest.mark.parametrize("output_format", FORMATS)
def test_no_name_steers_the_terminal(output_format: str) -> None:
    evil = "x\x1b]0;owned\x07\u202e\x9b\ud800\r\nerror: forged"
    model = SKIPPED.model_copy(update={"target": evil, "reason": Reason(kind="constructor-raises", detail=evil)})
    one = report(
        moved(1, 1, 1, message=evil, filename=evil, hint=evil, related=(related(2, 1, evil, 1, evil),)),
        models=(model,),
    )
    said = rendered(one, output_format, verbose=True)
    assert not set(said) & set("\x1b\x07\x9b\u202e\ud800\r")
    assert not any(line.startswith("error: forged") for line in said.splitlines())


def test_a_stream_that_is_ascii_only_is_no_reason_to_fail() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    render(report(moved(1, 1, 1, message="größer")), "concise", verbose=False, color=False, stream=stream)
    stream.flush()
    stream.seek(0)
    assert stream.readline() == "net.py:1:1: CL101 gr\\xf6\\xdfer\n"


def test_the_json_form_has_its_keys_in_order() -> None:
    document = json.loads(rendered(report(FINDING), "json"))
    assert list(document) == ["version", "diagnostics", "models", "summary"]
    assert list(document["diagnostics"][0]) == [
        *("code", "name", "severity", "message", "filename", "cell", "location", "end_location", "model"),
        *("layer", "expected", "actual", "formula", "hint", "also", "sides", "related", "fix", "url"),
    ]
    called, _, conv1, *_ = document["diagnostics"][0]["related"]
    assert list(called) == ["filename", "cell", "location", "end_location", "message"]
    assert list(conv1) == ["filename", "cell", "location", "message", "made_at"]
    assert list(conv1["made_at"]) == ["filename", "cell", "location", "end_location"]
    assert list(document["models"][0]) == [
        *("name", "filename", "cell", "row", "status", "reason", "reason_kind", "reason_cause"),
        *("remedy", "basis", "construction", "construction_origin", "construction_call", "guessed_arguments"),
        *("inputs", "outputs", "sizes"),
    ]
    assert list(document["summary"]) == [
        *("files", "models", "checked", "basis", "partial", "skipped", "errors", "warnings"),
    ]


def test_the_reason_of_a_partial_model_has_its_line() -> None:
    document = json.loads(rendered(report(models=(PARTIAL,)), "json"))
    assert document["models"][0]["reason"] == "the branch depends on data (line 48)"
    assert document["models"][0]["reason_kind"] == "data-dependent"


def test_only_colours_load_rich() -> None:
    import subprocess
    import sys

    code = (
        "import io, sys; from convlint.report import Report; from convlint.reporters import render;"
        "render(Report((), (), 0), 'full', verbose=True, color=False, stream=io.StringIO());"
        "sys.exit('rich' in sys.modules or 'torch' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=root).returncode == 0
