"""Files are parsed only where that can be worth it, and nothing is lost by it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlint.discovery.discover import discover
from convlint.discovery.prefilter import imported_words, mentions_modules, sources_of_bases


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"import os", {"os"}),
        (b"import a.b as c, d", {"a", "b", "as", "c", "d"}),
        (b"from .net import Net as N", {"net", "Net", "as", "N"}),
        (b"if x:\n    from net import (\n    A,\n    B,\n)\n", {"net", "A", "B"}),
        (b"from . import net\r\n", {"net"}),
        (b"x = 'import os'\n", set()),
        (b'{"source": ["import a\\n", "from .net import Net"]}', {"a", "net", "Net"}),
        (b'{\n "source": "x = 1\\nimport a\\nif x:\\n  from b import (\\nc,\\nd)"\n}', {"a", "b", "c", "d"}),
    ],
)
def test_imported_words(text: bytes, words: set[str]) -> None:
    assert imported_words(text) == words


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        (b"from .base import Base\nclass Net(Base): pass", [".base"]),
        (b"from a.b import (\n  Base as B,\n)\nclass Net(\n    B\n): pass", ["a.b"]),
        (b"import a.b\nclass Net(a.b.Base): pass", ["a.b"]),
        (b"import a.b as c, d\nclass Net(c.Base): pass", ["a.b"]),
        (b'{"source": ["import b\\n", "from a import Base\\n", "class Net(Base):"]}', ["a"]),
        (b'{"source": "import b\\nfrom a import Base\\nclass Net(Base): pass"}', ["a"]),
        (b"from a import Base\nclass Net: pass", []),
        (b"from a import Base\nclass Net(Exception): pass", []),
    ],
)
def test_sources_of_bases(text: bytes, sources: list[str]) -> None:
    assert list(sources_of_bases(text)) == sources


@given(st.binary(max_size=100))
def test_no_bytes_are_too_strange(data: bytes) -> None:
    mentions_modules(data)
    imported_words(data)
    list(sources_of_bases(data))


def test_models_behind_files_that_do_not_speak_of_torch(tmp_path: Path) -> None:
    for name, text in {
        "base.py": "from torch import nn\nclass Base(nn.Module):\n    def forward(self, x): return x\n",
        "middle.py": "from base import Base\nclass Middle(Base): pass\n",
        "leaf.py": "import middle\nclass Leaf(middle.Middle):\n    def __init__(self, n): pass\n",
        "build.py": "import leaf\ndef build(): return leaf.Leaf(3)\nmodel = build()\n",
        "other.py": "from os import path\nclass Other(path.Base): pass\n",
    }.items():
        (tmp_path / name).write_text(text)
    found = discover([str(tmp_path)], lambda _: ())
    models = {Path(file.path).name: [model.target for model in file.models] for file in found.files}
    assert models == {
        "base.py": [],
        "build.py": ["build"],
        "leaf.py": [],
        "middle.py": [],
    }
    assert len(found.looked_at) == 5


def test_a_named_file_is_parsed_whatever_it_says(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("def broken(:\n")
    assert discover([str(tmp_path)], lambda _: ()).files == ()
    (file,) = discover([str(tmp_path / "plain.py")], lambda _: ()).files
    assert file.failure is not None
    assert file.failure.kind == "syntax"
