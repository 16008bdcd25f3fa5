"""Models in notebooks, and what is wrong with a notebook, by syntax alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from convlint.discovery.discover import Discovery, discover
from convlint.facts import Failure

NET = "class Net(nn.Module):\n    def forward(self, x):\n        return x"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, *cells: str, **metadata: Any) -> None:
    listed = [{"cell_type": "code", "metadata": {}, "source": text.splitlines(keepends=True)} for text in cells]
    Path(name).write_text(json.dumps({"cells": listed, "metadata": metadata, "nbformat": 4}), encoding="utf-8")


def models(found: Discovery) -> dict[str, list[tuple[str, int]]]:
    return {file.filename: [(model.target, model.row) for model in file.models] for file in found.files}


@pytest.mark.parametrize("path", [".", "nb.ipynb", "nb.ipynb:Net"])
def test_rows_are_those_of_the_joined_cells(path: str) -> None:
    write("nb.ipynb", "%matplotlib inline\nfrom torch import nn", NET)
    found = discover([path], lambda _: ())
    assert models(found) == {"nb.ipynb": [("Net", 3)]}
    (file,) = found.files
    assert file.place is not None
    assert file.place.module == "nb"


def test_a_notebook_that_takes_its_base_from_a_file(tmp_path: Path) -> None:
    Path("base.py").write_text("from torch import nn\nclass Base(nn.Module):\n    pass\n", encoding="utf-8")
    write("nb.ipynb", "import os", "from base import Base", NET.replace("nn.Module", "Base"))
    assert models(discover(["."], lambda _: ()))["nb.ipynb"] == [("Net", 3)]
    Path("nb.ipynb").rename("other.ipynb")
    assert models(discover(["other.ipynb"], lambda _: ()))["other.ipynb"] == [("Net", 3)]


def failures(*paths: str) -> list[tuple[str, str, int, int]]:
    files = discover(paths, lambda _: ()).files
    found: list[Failure] = [one for file in files for one in (*file.broken_cells, *filter(None, [file.failure]))]
    return [(one.kind, one.at.filename, one.at.row, one.at.column) for one in found if one.at]


def test_a_broken_cell_is_told_and_the_others_are_read() -> None:
    write("nb.ipynb", "from torch import nn", "def f(:", "x = (", NET)
    assert models(discover(["."], lambda _: ())) == {"nb.ipynb": [("Net", 4)]}
    assert failures(".") == [("syntax", "nb.ipynb", 2, 7), ("syntax", "nb.ipynb", 3, 5)]


def test_a_notebook_that_cannot_be_read() -> None:
    Path("cut.ipynb").write_text('{"cells": [\n"import torch', encoding="utf-8")
    Path("latin.ipynb").write_bytes(b'{"cells": [], "torch": "\xff"}')
    assert failures(".") == [("unreadable", "cut.ipynb", 2, 1), ("unreadable", "latin.ipynb", 1, 1)]


def test_what_has_nothing_to_do_with_torch_is_not_even_parsed() -> None:
    Path("a.ipynb").write_text("{", encoding="utf-8")
    write("b.ipynb", "def f(:")
    found = discover(["."], lambda _: ())
    assert (found.files, len(found.looked_at)) == ((), 2)


@pytest.mark.parametrize("path", [".", "nb.ipynb"])
def test_a_notebook_in_another_language_is_passed_over(path: str) -> None:
    write("nb.ipynb", "library(torch)\nx <- 1", kernelspec={"language": "R"})
    found = discover([path], lambda _: ())
    assert models(found) == {"nb.ipynb": []}
    assert failures(path) == []
