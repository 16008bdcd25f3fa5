"""Reports about notebooks: rows are those of a cell, and the cell is named."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from convlint.diagnostics import Diagnostic, Edit, Fix, Location, Place, Related
from convlint.facts import FileFacts, ModelFacts, Reason, Span
from convlint.output_format import FORMATS
from convlint.report import Report
from convlint.reporters import render, source

CELLS = [
    ("markdown", "# Digits"),
    ("code", "%matplotlib inline\nimport torch.nn as nn\nWIDTH = 1600"),
    ("code", "class Head(nn.Linear):\n    pass"),
    ("markdown", "The net:"),
    (
        "code",
        "%%time\nclass Net(nn.Module):\n    def __init__(self):\n        self.fc1 = Head(WIDTH, 128)\n\n"
        "    def forward(self, x):\n        return self.fc1(x)",
    ),
]


@pytest.fixture(autouse=True)
def _in_a_folder_with_the_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cells = [{"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True)} for kind, text in CELLS]
    Path("nb.ipynb").write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}), encoding="utf-8")
    source.forget()


def at(row: int, column: int) -> Location:
    return Location(row=row, column=column)


def related(row: int, column: int, message: str, length: int = 0) -> Related:
    end = at(row, column + length) if length else None
    return Related(filename="nb.ipynb", location=at(row, column), end_location=end, message=message)


# Rows are those of the joined cells: the second cell is rows 1 to 3, the third 4 and 5, the fifth 6 to 12.
FINDING = Diagnostic(
    code="CL101",
    name="linear-in-features",
    severity="error",
    message="`fc1` takes 1600 features but gets 9216",
    filename="nb.ipynb",
    location=at(9, 25),
    end_location=at(9, 30),
    model="nb.Net",
    layer="fc1",
    expected=1600,
    actual=9216,
    related=(
        related(12, 16, "called here with [B, 9216]", 11),
        related(4, 12, "made of this", 9),
        related(7, 1, "x: [B, 1, 28, 28] (pyproject.toml)"),
        related(1, 1, "stands first"),
    ),
    fix=Fix(
        applicability="unsafe",
        message="write the number of features that reaches it",
        edits=(Edit(content="9216", location=at(3, 9), end_location=at(3, 13)),),
    ),
)
MODEL = ModelFacts(
    name="nb.Net",
    target="Net",
    row=7,
    status="partial",
    reason=Reason(kind="data-dependent", name="the branch"),
    stopped=Span(filename="nb.ipynb", row=12, column=9, end_row=12, end_column=20),
)


def rendered(output_format: str, *diagnostics: Diagnostic, verbose: bool = False) -> str:
    one = Report(diagnostics, (FileFacts(filename="nb.ipynb", models=(MODEL,)),), 1)
    stream = io.StringIO()
    render(one, output_format, verbose=verbose, color=False, stream=stream)
    return stream.getvalue()


@pytest.mark.parametrize("output_format", FORMATS)
def test_report(output_format: str, snapshot: SnapshotAssertion) -> None:
    assert rendered(output_format, FINDING, verbose=True) == snapshot


def test_the_lines_shown_are_those_of_the_notebook() -> None:
    one = FINDING.model_copy(update={"location": at(1, 1), "end_location": at(1, 19), "related": (), "fix": None})
    assert rendered("full", one).splitlines()[1:5] == [
        " --> nb.ipynb:cell 2:1:1",
        "  |",
        "1 | %matplotlib inline",
        "  | ^^^^^^^^^^^^^^^^^^",
    ]


def test_a_step_says_in_which_cell_its_layer_is_made() -> None:
    made_at = Place(filename="nb.ipynb", location=at(4, 12), end_location=at(4, 21))
    step = related(7, 1, "fc1 (cell 3, line 1): [B, 9216] -> [B, 128]").model_copy(update={"made_at": made_at})
    (found,) = json.loads(rendered("json", FINDING.model_copy(update={"related": (step,)})))["diagnostics"]
    place = {"location": {"row": 1, "column": 12}, "end_location": {"row": 1, "column": 21}}
    assert found["related"][0]["made_at"] == {"filename": "nb.ipynb", "cell": 3, **place}


def test_the_fix_says_in_which_cell_it_is() -> None:
    (found,) = json.loads(rendered("json", FINDING))["diagnostics"]
    assert (found["cell"], found["location"], found["end_location"]) == (
        *(5, {"row": 4, "column": 25}, {"row": 4, "column": 30}),
    )
    assert found["fix"]["edits"] == [
        {"content": "9216", "cell": 2, "location": {"row": 3, "column": 9}, "end_location": {"row": 3, "column": 13}}
    ]


@pytest.mark.parametrize("content", [None, b"{", b'{"cells": []}'])
def test_without_the_notebook_the_row_is_still_named(content: bytes | None) -> None:
    Path("nb.ipynb").unlink()
    if content is not None:
        Path("nb.ipynb").write_bytes(content)
    assert rendered("concise", FINDING).splitlines()[0].startswith("nb.ipynb:9:25: CL101")
    assert "9 | " not in rendered("full", FINDING)
