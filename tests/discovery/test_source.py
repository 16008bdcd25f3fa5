"""Whatever is wrong with a file is a value."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlint.discovery.discover import discover
from convlint.discovery.source import load_bytes, read
from convlint.facts import Failure


def failure(data: bytes) -> tuple[str, str, int, int]:
    result = load_bytes(data, "net.py")
    assert isinstance(result, Failure)
    assert result.at is not None
    return result.kind, result.message, result.at.row, result.at.column


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"x = 1\ndef f(:\n", ("syntax", "invalid syntax", 2, 7)),
        (b"if x:\n", ("syntax", "expected an indented block after 'if' statement on line 1", 1, 6)),
        (b"x = 1\n\x00\x01", ("unreadable", "it contains NUL bytes, so it is not a text file", 2, 1)),
        (b"x = 1\ny = '\xff'\n", ("unreadable", "byte 0xff is not valid utf-8", 2, 1)),
        (b"# coding: klingon\n", ("unreadable", "unknown encoding: klingon", 1, 1)),
    ],
)
def test_what_is_wrong_and_where(data: bytes, expected: tuple[str, str, int, int]) -> None:
    assert failure(data) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfx = 1\n",
        "# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1"),
        b"x = 1\r\ny = 2\r\n",
        b"x = '\\d'\n",
        b"",
    ],
)
def test_what_python_accepts_is_accepted(data: bytes, recwarn: pytest.WarningsRecorder) -> None:
    assert isinstance(load_bytes(data, "net.py"), ast.Module)
    assert not recwarn.list


def test_nesting_beyond_the_parser() -> None:
    kind, message, row, _ = failure(b"x = " + b"-" * 200_000 + b"1\n")
    assert (kind, row) == ("unreadable", 1) or kind == "syntax", message


def test_a_missing_file_and_a_pipe(tmp_path: Path) -> None:
    missing = read(str(tmp_path / "net.py"), "net.py")
    assert isinstance(missing, Failure)
    assert missing.message == "No such file or directory"
    os.mkfifo(tmp_path / "pipe.py")
    pipe = read(str(tmp_path / "pipe.py"), "pipe.py")
    assert isinstance(pipe, Failure)
    assert pipe.message == "it is not a regular file"


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    assert isinstance(load_bytes(data, "net.py"), ast.Module | Failure)


@given(st.text(alphabet=" \n:()[]{}='\"\\#@.,abcdeflnoprstuwxy0123", max_size=80))
def test_no_text_raises_in_discovery(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "net.py").write_text("import torch\n" + text)
    assert len(discover([str(folder / "net.py")], lambda _: ()).looked_at) == 1


def test_failures_stand_beside_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "binary.py").write_bytes(b"\x7fELF\x00\x00")
    (tmp_path / "broken.py").write_text("import torch\nclass Net(torch.nn.Module:\n")
    (tmp_path / "gone.py").symlink_to("nowhere.py")
    (tmp_path / "net.py").write_text("import torch\nclass Net(torch.nn.Module):\n    def forward(self, x): return x\n")
    (tmp_path / "plain.py").write_text("x = 1\n")
    files = {file.filename: file for file in discover(["."], lambda _: ()).files}
    kinds = {name: file.failure.kind for name, file in files.items() if file.failure}
    assert kinds == {"binary.py": "unreadable", "broken.py": "syntax", "gone.py": "unreadable"}
    assert [model.target for model in files["net.py"].models] == ["Net"]
    assert "plain.py" not in files


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/net\xff.py"
    with open(path, "wb") as file:
        file.write(b"import torch\n")
    (found,) = discover([str(tmp_path)], lambda _: ()).files
    assert found.failure is not None
    assert found.failure.message == "its name is not valid UTF-8"
    assert found.filename.encode().endswith("net\ufffd.py".encode())
